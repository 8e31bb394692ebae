import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { RevokedSet } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Authority } from '../../pki/authorities.ts'
import type { ConnectionTable } from '../../shared/connections.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { type Connection, OpenConnection } from './connection.ts'
import type { Arrival } from './conversation.ts'
import type { Entrance } from './entrance.ts'
import { guardGate } from './gate.ts'
import { failedHandshake, isNoTls } from './handshake-end.ts'
import { type Identity, isRevoked, judgeAnew, readIdentity } from './identity.ts'
import type { Limits } from './limits.ts'
import { plainAddress } from './network.ts'
import type { Reception } from './reception.ts'

/** The agents' open connections, each with who is at its other end. */
export interface Connections {
  /** All that are open, those included whose handshake has not ended. */
  readonly all: () => Iterable<Connection>
  /** The requests that are served now. */
  readonly served: () => Iterable<Arrival>
  readonly identityOf: (socket: Socket) => Identity
  /** Address of the client, as people know it; `undefined` when it has gone already. */
  readonly remoteOf: (socket: Socket) => string | undefined
  /** To be called with every request that is served now. `undefined`: its connection has gone already. */
  readonly onRequest: (arrival: Arrival) => Connection | undefined
  /** To be called when an answer is over. */
  readonly onAnswered: (arrival: Arrival) => void
  /** Cuts the connections of agents that a new revocation list names, busy or idle. */
  readonly cutRevoked: (revoked: RevokedSet) => void
  /** The client CA is another one now: judges every open connection again. */
  readonly setAuthorities: (authorities: readonly Authority[]) => void
  /** Closes all of them at once, those included whose handshake has not ended. */
  readonly stop: () => void
}

export interface ConnectionsOptions {
  readonly server: HttpsServer
  readonly authorities: readonly Authority[]
  readonly metrics: Pick<TrafficMetrics, 'handshakes' | 'clientVerify'>
  readonly worker: number
  readonly table: ConnectionTable
  readonly limits: Pick<Limits, 'isBeyondCertname' | 'refused'>
  readonly entrance: Pick<Entrance, 'place' | 'leave'>
  readonly reception: Pick<Reception, 'receive' | 'refusedAsNoTls' | 'handshakeFailed'>
  readonly now: Runtime['now']
  readonly wallClock: Runtime['wallClock']
  /** Hears of what keeps the system from accepting. */
  readonly acceptFailed: (error: Error) => void
  /** A connection owes no answer any more, or is new. */
  readonly onIdle: (connection: Connection) => void
  readonly onClose: () => void
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { server, metrics, worker, table, limits, entrance, reception, now } = options
  let { authorities } = options
  const open = new Map<Socket, OpenConnection>()
  /** What a header of the PROXY protocol has taken of the bytes that came; of those that began with one. */
  const headerBytes = new WeakMap<Socket, number>()
  const count = (counter: Parameters<ConnectionTable['count']>[1], change: number) =>
    table.count(worker, counter, change)

  function receive(tcp: Socket, handshake: () => void): void {
    const make = (remote: string) => {
      const connection = new OpenConnection(tcp, remote, now(), forget)
      open.set(tcp, connection)
      tcp.on('close', onClose)
      return connection
    }
    reception.receive(tcp, make, (_, header) => {
      if (header) headerBytes.set(tcp, header.length)
      handshake()
    })
  }

  /** One function for all connections. */
  function onClose(this: Socket): void {
    const connection = open.get(this)
    if (connection) forget(connection)
  }

  /** Gives back what it was counted as; more than once is as good as once. */
  function forget(connection: OpenConnection): void {
    open.delete(connection.tcp)
    if (!entrance.leave(connection)) return
    if (connection.certname !== undefined) table.certnames.remove(worker, connection.certname)
    if (connection.isBusy) count('active', -1)
    if (connection.tls) count('secured', -1)
    options.onClose()
  }

  function secure(tls: TLSSocket): void {
    const connection = of(tls)
    if (!connection) return
    const identity = readIdentity(tls, authorities, options.wallClock)
    connection.tls = tls
    connection.identity = identity
    connection.idleSinceMs = now()
    count('secured', 1)
    if (identity.certname !== undefined) {
      connection.certname = table.certnames.keyOf(identity.certname)
      table.certnames.add(worker, connection.certname)
      connection.isOneTooMany = limits.isBeyondCertname(connection.certname)
      if (connection.isOneTooMany) {
        const { remote } = connection
        const { certname } = identity
        limits.refused('perCertname', { remote, certname, certnameCell: connection.certname })
      }
    }
    entrance.place(connection)
    metrics.handshakes.inc({ result: 'success' })
    metrics.clientVerify.inc({
      result: identity.refusal ? 'failed' : identity.certname ? 'success' : 'none'
    })
    options.onIdle(connection)
  }

  const of = (socket: Socket) => open.get(below(socket))
  const bytesOf = (tcp: Socket) => tcp.bytesRead - (headerBytes.get(tcp) ?? 0)

  function rest(connection: OpenConnection): void {
    connection.isBusy = false
    connection.idleSinceMs = now()
    if (!open.has(connection.tcp)) return
    count('active', -1)
    entrance.place(connection)
    options.onIdle(connection)
  }

  guardGate(server, receive, options.acceptFailed)
  server.on('secureConnection', secure)
  server.on('tlsClientError', (error, tls) => {
    const tcp = below(tls)
    const result = failedHandshake(error, bytesOf(tcp))
    if (result) metrics.handshakes.inc({ result })
    const remote = open.get(tcp)?.remote ?? plainAddress(tcp.remoteAddress ?? '')
    if (isNoTls(error) && !headerBytes.has(tcp)) reception.refusedAsNoTls(remote)
    else if (result === 'failure') reception.handshakeFailed(remote, error)
  })

  return {
    all: () => open.values(),
    *served() {
      for (const { conversation } of open.values()) if (conversation?.current) yield conversation.current
    },
    // A request comes on a connection whose handshake ended, so it is known; the connection may be gone already.
    identityOf: socket =>
      of(socket)?.identity ?? readIdentity(socket as TLSSocket, authorities, options.wallClock),
    remoteOf(socket) {
      const connection = of(socket)
      if (connection) return connection.remote
      return socket.remoteAddress === undefined ? undefined : plainAddress(socket.remoteAddress)
    },
    onRequest({ request, conversation }) {
      const connection = of(request.socket)
      if (!connection) return undefined
      const { certname } = connection
      // Others of its certname may have closed since.
      if (connection.isOneTooMany && certname !== undefined)
        connection.isOneTooMany = limits.isBeyondCertname(certname)
      if (!connection.isBusy) {
        connection.isBusy = true
        connection.requestedAtMs = now()
        connection.conversation = conversation
        count('active', 1)
        entrance.place(connection)
      }
      return connection
    },
    onAnswered({ request, conversation }) {
      const connection = of(request.socket)
      // When more stand behind it, the next one is served by now.
      if (connection?.isBusy && !conversation.current) rest(connection)
    },
    cutRevoked(revoked) {
      for (const { identity, tls } of open.values()) {
        if (identity && isRevoked(identity, revoked)) tls?.destroy()
      }
    },
    setAuthorities(next) {
      authorities = next
      for (const connection of open.values()) {
        const { identity, tls } = connection
        if (identity?.certname === undefined || !tls) continue
        connection.identity = judgeAnew(identity, tls, next, options.wallClock())
        entrance.place(connection)
      }
    },
    stop() {
      for (const connection of open.values()) connection.destroy()
    }
  }
}

/** Node keeps the TCP socket below a TLS socket as its parent. */
function below(socket: Socket): Socket {
  return (socket as Socket & { readonly _parent?: Socket })._parent ?? socket
}

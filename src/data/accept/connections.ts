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
import { guardGate } from './gate.ts'
import { type Identity, isRevoked, judgeAnew, readIdentity } from './identity.ts'
import type { Limits } from './limits.ts'
import { networkOf } from './network.ts'
import { createStrangers } from './strangers.ts'

/** The agents' open connections, each with who is at its other end. */
export interface Connections {
  /** All that are open, those included whose handshake has not ended. */
  readonly all: () => Iterable<Connection>
  /** The requests that are served now. */
  readonly served: () => Iterable<Arrival>
  readonly identityOf: (socket: Socket) => Identity
  /** To be called with every request that is served now. `undefined`: its connection has gone already. */
  readonly onRequest: (arrival: Arrival) => Connection | undefined
  /** To be called when an answer is over. */
  readonly onAnswered: (arrival: Arrival) => void
  /** Closes the one without a certificate that was idle for longest; of one address where one is given. */
  readonly makeRoom: (address?: number) => boolean
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
  readonly limits: Limits
  readonly now: Runtime['now']
  readonly wallClock: Runtime['wallClock']
  /** Hears of what keeps the system from accepting. */
  readonly acceptFailed: (error: Error) => void
  /** A connection owes no answer any more, or is new. */
  readonly onIdle: (connection: Connection) => void
  readonly onClose: () => void
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { server, metrics, worker, table, limits, now } = options
  let { authorities } = options
  const open = new Map<Socket, OpenConnection>()
  const strangers = createStrangers<OpenConnection>()
  const count = (counter: Parameters<ConnectionTable['count']>[1], change: number) =>
    table.count(worker, counter, change)

  /** Among the strangers or not, whatever has changed about it. */
  function place(connection: OpenConnection): void {
    const before = strangers.size()
    if (connection.isStranger && !connection.isBusy && open.has(connection.tcp)) strangers.add(connection)
    else strangers.delete(connection)
    if (strangers.size() !== before) count('strangers', strangers.size() - before)
  }

  function admit(tcp: Socket): boolean {
    // Without an address it has gone already.
    if (tcp.remoteAddress === undefined) return false
    const address = table.addresses.keyOf(networkOf(tcp.remoteAddress))
    count('open', 1)
    table.addresses.add(worker, address)
    const limit = limits.beyond(address)
    if (limit !== undefined) {
      count('open', -1)
      table.addresses.remove(worker, address)
      limits.refused(limit)
      return false
    }
    const connection = new OpenConnection(tcp, address, now())
    open.set(tcp, connection)
    place(connection)
    tcp.on('close', onClose)
    return true
  }

  /** One function for all connections. */
  function onClose(this: Socket): void {
    const connection = open.get(this)
    if (connection) forget(connection)
  }

  /** Gives back what it was counted as; more than once is as good as once. */
  function forget(connection: OpenConnection): void {
    if (!open.delete(connection.tcp)) return
    place(connection)
    count('open', -1)
    table.addresses.remove(worker, connection.address)
    if (connection.certname !== undefined) table.certnames.remove(worker, connection.certname)
    if (connection.isBusy) count('active', -1)
    if (connection.tls) count('secured', -1)
    options.onClose()
  }

  function makeRoom(address?: number): boolean {
    const oldest = strangers.oldest(address)
    if (!oldest) return false
    // Counted out at once, since its close is heard of later.
    forget(oldest)
    oldest.destroy()
    return true
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
      if (connection.isOneTooMany) limits.refused('perCertname')
    }
    place(connection)
    metrics.handshakes.inc({ result: 'success' })
    metrics.clientVerify.inc({
      result: identity.refusal ? 'failed' : identity.certname ? 'success' : 'none'
    })
    options.onIdle(connection)
  }

  /** Node keeps the TCP socket below a TLS socket as its parent. */
  const of = (socket: Socket) =>
    open.get((socket as Socket & { readonly _parent?: Socket })._parent ?? socket)

  function rest(connection: OpenConnection): void {
    connection.isBusy = false
    connection.idleSinceMs = now()
    if (!open.has(connection.tcp)) return
    count('active', -1)
    place(connection)
    options.onIdle(connection)
  }

  guardGate(server, admit, options.acceptFailed)
  server.on('secureConnection', secure)
  server.on('tlsClientError', () => metrics.handshakes.inc({ result: 'failure' }))
  const stopListening = table.onAsked(worker, wanted => {
    for (let closed = 0; closed < wanted && makeRoom(); closed++);
  })

  return {
    all: () => open.values(),
    *served() {
      for (const { conversation } of open.values()) if (conversation?.current) yield conversation.current
    },
    // A request comes on a connection whose handshake ended, so it is known; the connection may be gone already.
    identityOf: socket =>
      of(socket)?.identity ?? readIdentity(socket as TLSSocket, authorities, options.wallClock),
    onRequest({ request, conversation }) {
      const connection = of(request.socket)
      if (!connection) return undefined
      const { certname } = connection
      // Others of its certname may have closed since.
      if (connection.isOneTooMany && certname !== undefined)
        connection.isOneTooMany = limits.isBeyondCertname(certname)
      if (!connection.isBusy) {
        connection.isBusy = true
        connection.conversation = conversation
        count('active', 1)
        place(connection)
      }
      return connection
    },
    onAnswered({ request, conversation }) {
      const connection = of(request.socket)
      // When more stand behind it, the next one is served by now.
      if (connection?.isBusy && !conversation.current) rest(connection)
    },
    makeRoom,
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
        connection.identity = judgeAnew(identity, tls, next)
        place(connection)
      }
    },
    stop() {
      stopListening()
      for (const connection of open.values()) connection.destroy()
    }
  }
}

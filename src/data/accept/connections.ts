import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { RevokedSet } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Authority } from '../../pki/authorities.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { type Identity, isRevoked, judgeAnew, readIdentity } from './identity.ts'

/** The agents' open connections, each with who is at its other end. */
export interface Connections {
  readonly identityOf: (socket: Socket) => Identity
  /** Cuts the connections of agents that a new revocation list names, busy or idle. */
  readonly cutRevoked: (revoked: RevokedSet) => void
  /** The client CA is another one now: judges every open connection again. */
  readonly setAuthorities: (authorities: readonly Authority[]) => void
}

export function createConnections(
  server: HttpsServer,
  first: readonly Authority[],
  metrics: Pick<TrafficMetrics, 'handshakes' | 'clientVerify'>,
  wallClock: Runtime['wallClock']
): Connections {
  let authorities = first
  const identities = new Map<Socket, Identity>()

  server.on('secureConnection', (socket: TLSSocket) => {
    const identity = readIdentity(socket, authorities, wallClock)
    identities.set(socket, identity)
    socket.once('close', () => identities.delete(socket))
    metrics.handshakes.inc({ result: 'success' })
    metrics.clientVerify.inc({ result: identity.refusal ? 'failed' : identity.certname ? 'success' : 'none' })
  })
  server.on('tlsClientError', () => metrics.handshakes.inc({ result: 'failure' }))

  return {
    // A request comes on a connection whose handshake ended, so it is known; the connection may be gone already.
    identityOf: socket => identities.get(socket) ?? readIdentity(socket as TLSSocket, authorities, wallClock),
    cutRevoked(revoked) {
      for (const [socket, identity] of identities) if (isRevoked(identity, revoked)) socket.destroy()
    },
    setAuthorities(next) {
      authorities = next
      for (const [socket, identity] of identities) {
        if (identity.certname !== undefined)
          identities.set(socket, judgeAnew(identity, socket as TLSSocket, next))
      }
    }
  }
}

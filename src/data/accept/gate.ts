import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'

/**
 * Asks `admit` about every connection before anything is done for it, its TLS handshake included: one that is not
 * admitted costs an accept and a close. `failed` hears of what keeps the system from accepting at all.
 */
export function guardGate(
  server: HttpsServer,
  admit: (socket: Socket) => boolean,
  failed: (error: Error) => void
): void {
  const handshakes = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (!admit(socket)) {
      socket.destroy()
      return
    }
    for (const handshake of handshakes) handshake.call(server, socket)
  })
  // Before it listens, whoever asked it to hears of errors.
  server.once('listening', () => server.on('error', failed))
}

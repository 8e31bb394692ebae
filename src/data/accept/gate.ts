import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'

/**
 * Hands every connection to `receive` before anything is done for it, its TLS handshake included, which begins when
 * `handshake` is called. `failed` hears of what keeps the system from accepting at all.
 */
export function guardGate(
  server: HttpsServer,
  receive: (socket: Socket, handshake: () => void) => void,
  failed: (error: Error) => void
): void {
  const handshakes = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    receive(socket, () => {
      for (const handshake of handshakes) handshake.call(server, socket)
    })
  })
  // Before it listens, whoever asked it to hears of errors.
  server.once('listening', () => server.on('error', failed))
}

import type { ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Runtime } from '../model/runtime.ts'

/**
 * An agent takes up an idle connection again within 4 s and fails its run when it is closed under its hands; so
 * a connection is closed only after it was idle this long, and when it speaks, it is told with the answer.
 */
const IDLE_GRACE_MS = 5_000

export interface Drain {
  /** To be called with every request: its answer is the last of its connection when draining. */
  readonly onRequest: (socket: Socket, response: ServerResponse) => void
  /** Stops accepting; resolves once every connection is gone, with the number of requests cut at the deadline. */
  readonly start: (timeoutMs: number) => Promise<number>
}

interface Connection {
  readonly open: Set<ServerResponse>
  idleSinceMs: number
}

export function createDrain(
  server: HttpsServer,
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>
): Drain {
  const connections = new Map<Socket, Connection>()
  let isDraining = false
  let onEmpty = () => {}

  server.on('secureConnection', socket => {
    const connection = { open: new Set<ServerResponse>(), idleSinceMs: now() }
    connections.set(socket, connection)
    socket.once('close', () => {
      connections.delete(socket)
      if (connections.size === 0) onEmpty()
    })
    // Its handshake had begun before.
    if (isDraining) closeWhenIdle(socket, connection)
  })

  function closeWhenIdle(socket: Socket, connection: Connection): void {
    const idleMs = connection.open.size > 0 ? 0 : now() - connection.idleSinceMs
    if (idleMs >= IDLE_GRACE_MS) socket.destroySoon()
    else if (connection.open.size === 0) {
      schedule(IDLE_GRACE_MS - idleMs, () => closeWhenIdle(socket, connection))
    }
  }

  return {
    onRequest(socket, response) {
      const connection = connections.get(socket)
      if (isDraining) response.setHeader('connection', 'close')
      if (!connection) return
      connection.open.add(response)
      response.once('close', () => {
        connection.open.delete(response)
        connection.idleSinceMs = now()
        if (isDraining) closeWhenIdle(socket, connection)
      })
    },
    async start(timeoutMs) {
      isDraining = true
      // http.Server's own close would cut idle connections at once.
      TlsServer.prototype.close.call(server)
      if (connections.size === 0) return 0
      const { promise, resolve } = Promise.withResolvers<void>()
      onEmpty = resolve
      for (const [socket, connection] of connections) {
        for (const response of connection.open) {
          if (!response.headersSent) response.setHeader('connection', 'close')
        }
        closeWhenIdle(socket, connection)
      }
      let cut = 0
      const cancelDeadline = schedule(timeoutMs, () => {
        for (const [socket, { open }] of connections) {
          cut += open.size
          socket.destroy()
        }
      })
      await promise
      cancelDeadline()
      return cut
    }
  }
}

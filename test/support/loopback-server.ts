import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A server on a free port of loopback that the end of the test closes. */
export interface LoopbackServer {
  readonly port: number
  /** Cuts a further socket at the end, too. */
  readonly keep: (socket: Socket) => void
  /** Cuts all that are connected now. */
  readonly cut: () => void
}

/** Lets a server listen until the test ends, which cuts whoever is connected then. */
export async function listenOnLoopback(
  t: { teardown: (task: () => unknown) => void },
  server: Server
): Promise<LoopbackServer> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  server.on('connection', keep).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    cut()
  })
  return { port: (server.address() as AddressInfo).port, keep, cut }
}

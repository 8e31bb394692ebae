import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { maxAdminConnections } from '../model/descriptors.ts'

/** The connections of a listener of operators. */
export interface AdminConnections {
  /** It is no connection of HTTP any more, and is left alone. */
  readonly forget: (socket: Duplex) => void
}

/**
 * Bounds the connections of a listener to `maxAdminConnections`. For a newcomer beyond that the one makes room that has
 * asked for nothing for longest, and whose answers are all said, read or not: whoever can connect could otherwise keep
 * out the probes, by which the process lives.
 */
export function boundConnections(server: Server): AdminConnections {
  /** With the answers they wait for; in the order in which they asked last. */
  const open = new Map<Duplex, Set<ServerResponse>>()

  function victimOf(newcomer: Duplex): Duplex {
    for (const [socket, responses] of open)
      if ([...responses].every(({ writableEnded }) => writableEnded)) return socket
    return newcomer
  }

  server.on('connection', socket => {
    open.set(socket, new Set())
    socket.once('close', () => open.delete(socket))
    if (open.size > maxAdminConnections) victimOf(socket).destroy()
  })
  server.on('request', ({ socket }, response) => {
    const responses = open.get(socket)
    if (!responses) return
    responses.add(response)
    response.once('close', () => responses.delete(response))
    open.delete(socket)
    open.set(socket, responses)
  })
  return { forget: socket => void open.delete(socket) }
}

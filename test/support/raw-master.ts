import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { jrubyMetricsPath } from '../../src/puppet/jruby-metrics.ts'
import { type Received, receive } from './received.ts'

/** One request, or more, that reached a raw master on one connection. */
export interface RawConnection extends Received {
  readonly socket: Socket
  /** Which connection it is, counted from 0; health checks are not counted. */
  readonly index: number
}

export interface RawMaster {
  readonly url: string
  readonly port: number
  /** How many connections brought anything but a health check. */
  readonly connectionCount: () => number
}

const running = 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrunning'

/**
 * A master that is only a socket: it passes its health checks, and for everything else `script` is called once a
 * connection, with the head of its first request received, and says every byte of the answer.
 */
export async function startRawMaster(
  t: { teardown: (task: () => unknown) => void },
  script: (connection: RawConnection) => unknown,
  /** Default: no TLS. */
  tls?: TlsOptions
): Promise<RawMaster> {
  const sockets = new Set<Socket>()
  let count = 0
  const serve = async (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const received = receive(socket)
    try {
      const head = await received.until('\r\n\r\n')
      if (head.startsWith(`GET ${jrubyMetricsPath} `))
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
      else if (head.startsWith('GET /status/v1/simple ')) socket.end(running)
      else await script({ socket, index: count++, ...received })
    } catch {
      socket.destroy() // A connection that ended too soon: what the agent got is what the test judges.
    }
  }
  const server = tls ? createTlsServer(tls, serve) : createServer(serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  const origin = tls ? 'https://localhost' : 'http://127.0.0.1'
  return { url: `${origin}:${port}`, port, connectionCount: () => count }
}

/** The same answer to every request of a connection, as long as requests have no body. */
export function always(answer: string | Buffer): (connection: RawConnection) => void {
  return ({ socket }) => {
    socket.write(answer)
    socket.on('data', () => socket.write(answer))
  }
}

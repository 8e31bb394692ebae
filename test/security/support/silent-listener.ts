import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import tls, { type SecureContextOptions, type TlsOptions } from 'node:tls'

/** A TLS server that keeps every byte it is told, and says that it runs. */
export interface SilentListener {
  readonly port: number
  /** Decrypted, over all connections. */
  readonly heard: () => string
  /** TCP connections so far. */
  readonly connections: () => number
  /** Shows another certificate from now on, and cuts the connections that saw the old one. */
  readonly show: (options: SecureContextOptions) => void
}

export async function startSilentListener(
  t: { teardown: (task: () => unknown) => void },
  options: TlsOptions
): Promise<SilentListener> {
  const sockets = new Set<Socket>()
  let heard = ''
  let connections = 0
  const server = tls.createServer(options, socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      heard += chunk.toString('latin1')
      if (heard.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nrunning')
    })
  })
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    connections: () => connections,
    show(context) {
      server.setSecureContext(context)
      for (const socket of sockets) socket.destroy()
    }
  }
}

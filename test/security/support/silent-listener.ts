import tls, { type SecureContextOptions, type TlsOptions } from 'node:tls'
import { listenOnLoopback } from '../../support/loopback-server.ts'

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
  let heard = ''
  let connections = 0
  const server = tls.createServer(options, socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      heard += chunk.toString('latin1')
      if (heard.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nrunning')
    })
  })
  server.on('connection', () => {
    connections++
  })
  const { port, cut } = await listenOnLoopback(t, server)
  return {
    port,
    heard: () => heard,
    connections: () => connections,
    show(context) {
      server.setSecureContext(context)
      cut()
    }
  }
}

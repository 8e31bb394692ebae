import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** How a master speaks TLS; all PEM. */
export interface MasterTls {
  readonly cert: string
  readonly key: string
  /** What the certificates of clients must chain to. */
  readonly ca?: string
  /** Ask clients for a certificate and refuse a bad one (Jetty's `client-auth: want`). */
  readonly requestCert?: boolean
  /** Refuse clients without one too (`client-auth: need`). */
  readonly requireCert?: boolean
}

/** A server that can be killed and started again on its port. */
export interface MasterListener {
  /** Listens, on the port of the last time if there was one. Rejects when the port is taken. */
  readonly start: () => Promise<number>
  /** Stops listening, lets running requests end, closes. */
  readonly stop: () => Promise<void>
  /** Ends listener and connections at once, with nothing said, as a killed process does. */
  readonly kill: () => Promise<void>
  readonly connections: () => number
  /** Tears one connection, by a TCP reset. */
  readonly reset: (socket: Socket) => void
}

/** Jetty's limit for the request line and all headers. */
const maxHeaderSize = 8192

/** A listener with Puppet Server's limits; `idleTimeoutMs` ends connections on which nothing is asked. */
export function createMasterListener(options: {
  readonly host: string
  readonly port: number
  readonly tls: MasterTls | undefined
  readonly idleTimeoutMs: number
  readonly serve: RequestListener
  readonly onChange: () => void
}): MasterListener {
  const sockets = new Set<Socket>()
  let port = options.port
  let server: Server | undefined

  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      options.onChange()
    })
    options.onChange()
  }

  const start = async (): Promise<number> => {
    server = createListener(options.tls, options.serve)
    server.on('connection', track)
    closeWhenIdle(server, options.idleTimeoutMs)
    server.listen(port, options.host)
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    return port
  }

  const stop = async (): Promise<void> => {
    if (!server?.listening) return
    const closed = once(server, 'close')
    server.close()
    await closed
  }

  const kill = async (): Promise<void> => {
    const stopped = stop()
    for (const socket of sockets) socket.destroy()
    await stopped
  }

  // A TLS socket cannot reset what is below it; the ports of both tell which belong together.
  const reset = ({ remotePort }: Socket) => {
    for (const socket of sockets) if (socket.remotePort === remotePort) socket.resetAndDestroy()
  }

  return { start, stop, kill, reset, connections: () => sockets.size }
}

function createListener(tls: MasterTls | undefined, serve: RequestListener): Server {
  // Timeouts of Node that Jetty does not have are off; its idle timeout is set elsewhere.
  const limits = { maxHeaderSize, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }
  if (tls === undefined) return createServer(limits, serve)
  const { requestCert = false, requireCert = false, ...certificate } = tls
  const clientAuth = { requestCert: requestCert || requireCert, rejectUnauthorized: requireCert }
  const server = createTlsServer({ ...limits, ...certificate, ...clientAuth }, serve)
  // First in line: before HTTP reads anything from it.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (requestCert && !socket.authorized && socket.getPeerX509Certificate() !== undefined) socket.destroy()
  })
  return server
}

/** Node would announce its own keep-alive timeout in a header, which Jetty does not: so it is kept here. */
function closeWhenIdle(server: Server, idleTimeoutMs: number): void {
  const busy = new WeakMap<object, number>()
  server.timeout = idleTimeoutMs
  server.on('request', ({ socket }, response) => {
    busy.set(socket, (busy.get(socket) ?? 0) + 1)
    response.once('close', () => busy.set(socket, (busy.get(socket) ?? 0) - 1))
  })
  server.on('timeout', socket => {
    if (!busy.get(socket)) socket.destroy()
  })
}

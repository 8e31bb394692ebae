import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** How a master speaks TLS; all PEM. */
export interface MasterTls {
  readonly cert: string
  readonly key: string
  /** What clients' certificates must chain to. */
  readonly clientCa?: string
  /** Jetty's `client-auth` where there is a `clientCa`. Default: every client must show a certificate. */
  readonly clientAuth?: 'need' | 'want'
}

/** A server on loopback that can be killed and started again on its port. */
export interface MasterListener {
  /** Listens, on the port of the last time if there was one. Rejects when the port is taken. */
  readonly start: () => Promise<number>
  /** Ends listener and connections at once, with nothing said, as a killed process does. */
  readonly kill: () => Promise<void>
}

/** Where simulated masters listen. */
export const host = '127.0.0.1'

/** Jetty's limit for the request line and all headers; Node's own timeouts, which Jetty has not, are off. */
const limits = { maxHeaderSize: 8192, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }

/** A listener with Puppet Server's limits. */
export function createMasterListener(tls: MasterTls | undefined, serve: RequestListener): MasterListener {
  const sockets = new Set<Socket>()
  let port = 0
  let server: Server | undefined

  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }

  return {
    start: async () => {
      server = createListener(tls, serve).on('connection', track).listen(port, host)
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
      return port
    },
    kill: async () => {
      if (!server?.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    }
  }
}

function createListener(tls: MasterTls | undefined, serve: RequestListener): Server {
  if (tls === undefined) return createServer(limits, serve)
  const { cert, key, clientCa, clientAuth = 'need' } = tls
  const clients = clientCa !== undefined && {
    requestCert: true,
    rejectUnauthorized: clientAuth === 'need',
    ca: clientCa
  }
  const server = createTlsServer({ ...limits, cert, key, ...clients }, serve)
  // Java ends the handshake of whoever shows a certificate it cannot believe, asked for or not.
  return server.on('secureConnection', socket => {
    if (clientAuth === 'want' && !socket.authorized && socket.getPeerX509Certificate()) socket.destroy()
  })
}

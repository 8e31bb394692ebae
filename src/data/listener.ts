import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import type { TlsConfig } from '../config/config.ts'

/** Agents drop an idle connection after 4 s; the server's side must never be first. */
const KEEP_ALIVE_MS = 75_000
const HANDSHAKE_MS = 20_000
/** For the whole request header; against clients that send it a byte at a time. */
const HEADERS_MS = 60_000
/** For a whole request, large filebucket uploads over slow lines included. */
const REQUEST_MS = 3_600_000

export interface ListenerOptions {
  readonly tls: TlsConfig
  readonly requestId: () => string
  /** Serves one request; owns the response from then on. */
  readonly serve: (id: string, request: IncomingMessage, response: ServerResponse) => void
  /** Answers what is no request. */
  readonly onClientError: (error: NodeJS.ErrnoException, socket: Socket) => void
}

export interface Listener {
  readonly server: HttpsServer
  /** Resolves with the port. Rejects with the system's error when the address cannot be had. */
  readonly listen: (address: { host: string; port: number; shared: boolean }) => Promise<number>
  readonly close: () => Promise<void>
}

/**
 * The agents' HTTPS server: certificates of several key types side by side, a client certificate asked for but
 * judged later, TLS 1.2 and 1.3. No session tickets, since a resumed session would skip the client's check, and no
 * renegotiation: a connection is who it was when it began.
 */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const { tls, requestId, serve, onClientError } = options
  const fastify = Fastify({
    https: {
      cert: tls.certificates.map(each => each.cert),
      key: tls.certificates.map(each => each.key),
      ca: tls.ca,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
      // Judged with the rest of a request, in words of our own.
      requireHostHeader: false,
      handshakeTimeout: HANDSHAKE_MS,
      ALPNProtocols: ['http/1.1']
    },
    logger: false,
    genReqId: requestId,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    exposeHeadRoutes: false,
    clientErrorHandler: onClientError,
    // A target the router cannot decode is still ours to judge and answer.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      serve(request.id, request.raw, reply.raw)
    }
  })
  const server = fastify.server as HttpsServer
  server.headersTimeout = HEADERS_MS
  // An expectation nobody knows may be left unmet (RFC 9110, section 10.1.1); Node would refuse it without a word.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))

  // Bodies stream untouched: no parser of Fastify's own may buffer them or judge their Content-Type.
  fastify.removeAllContentTypeParsers()
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.headers['content-type'] !== undefined) {
      request.raw.headers['content-type'] = 'application/octet-stream'
    }
    done()
  })
  await fastify.register(httpProxy, {
    // Never contacted: `handler` takes every request before an upstream is looked up.
    upstream: 'http://master.invalid',
    // The target goes out as it came, so what the plugin would make of it is not worth parsing.
    preRewrite: () => '/',
    handler: (request, reply) => {
      reply.hijack()
      serve(request.id, request.raw, reply.raw)
      return reply
    }
  })
  fastify.setNotFoundHandler((request, reply) => {
    reply.hijack()
    serve(request.id, request.raw, reply.raw)
  })

  return {
    server,
    async listen({ host, port, shared }) {
      await fastify.listen({ host, port, ...(shared && { reusePort: true }) })
      const address = server.address()
      return typeof address === 'object' && address ? address.port : port
    },
    close: () => fastify.close()
  }
}

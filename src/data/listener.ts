import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import type { TlsConfig } from '../config/config.ts'
import { ProxyError, type ReasonCode } from '../model/errors.ts'

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
}

export interface Listener {
  readonly server: HttpsServer
  /** Resolves with the port. Rejects with the system's error when the address cannot be had. */
  readonly listen: (address: { host: string; port: number; shared: boolean }) => Promise<number>
  readonly close: () => Promise<void>
}

/**
 * The agents' HTTPS server: certificates of several key types side by side, a client certificate asked for but
 * judged later, TLS 1.2 and 1.3, and no session tickets, since a resumed session would skip the client's check.
 */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const { tls, requestId, serve } = options
  const fastify = Fastify({
    https: {
      cert: tls.certificates.map(each => each.cert),
      key: tls.certificates.map(each => each.key),
      ca: tls.ca,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: HANDSHAKE_MS,
      ALPNProtocols: ['http/1.1']
    },
    logger: false,
    genReqId: requestId,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    exposeHeadRoutes: false,
    clientErrorHandler: answerClientError,
    // A target the router cannot decode is still ours to judge and answer.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      serve(request.id, request.raw, reply.raw)
    }
  })
  const server = fastify.server as HttpsServer
  server.headersTimeout = HEADERS_MS

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

const clientErrors: Readonly<Record<string, ReasonCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout'
}

/** Answers what never became a request: there is no response object, only the socket. */
function answerClientError(this: unknown, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const refusal = new ProxyError(clientErrors[error.code ?? ''] ?? 'bad-request')
  const body = `${refusal.message}.`
  socket.end(
    `HTTP/1.1 ${refusal.status} ${refusal.code}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `X-Puppet-LB-Reason: ${refusal.code}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

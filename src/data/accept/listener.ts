import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import type { TlsSettings } from '../../model/settings.ts'
import { isCarried } from '../http/plan.ts'
import { handshakes } from './tls-profile.ts'

/** How long an agent may take, in milliseconds. */
export interface Timeouts {
  /** Agents drop an idle connection after 4 s; the server's side must never be first. */
  readonly idleMs: number
  readonly handshakeMs: number
  /** For the whole request header; against clients that send it a byte at a time. */
  readonly headersMs: number
  /** For a whole request, large filebucket uploads over slow lines included. */
  readonly requestMs: number
  /** Of silence, after which the system asks whether the other host is still there: a waiter may be silent for long. */
  readonly silenceMs: number
  /** How often headers and requests are looked at. */
  readonly checkMs: number
}

/** What is in use. */
export const usualTimeouts: Timeouts = Object.freeze({
  idleMs: 75_000,
  handshakeMs: 20_000,
  headersMs: 60_000,
  requestMs: 3_600_000,
  silenceMs: 60_000,
  checkMs: 15_000
})

export interface ListenerOptions {
  readonly tls: TlsSettings
  readonly requestId: () => string
  /** Hears of each request when it has come. It is served when it is given to `route`. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void
  /** Serves one request; owns the response from then on. */
  readonly serve: (id: string, request: IncomingMessage, response: ServerResponse) => void
  /** Answers what is no request. */
  readonly onClientError: (error: NodeJS.ErrnoException, socket: Socket) => void
  /** Answers a CONNECT. */
  readonly onTunnel: (request: IncomingMessage, socket: Socket) => void
  readonly timeouts?: Timeouts
}

export interface Listener {
  readonly server: HttpsServer
  /** Brings a request to `serve`. */
  readonly route: (request: IncomingMessage, response: ServerResponse) => void
  /** Resolves with the port. Rejects with the system's error when the address cannot be had. */
  readonly listen: (address: { host: string; port: number; shared: boolean }) => Promise<number>
  /** New handshakes are made with this from now on; open connections stay as they are. Throws what OpenSSL says. */
  readonly setTls: (tls: TlsSettings) => void
  readonly close: () => Promise<void>
}

/** All that a handshake goes by: Node forgets what is not repeated when it is set anew. */
function secureContextOptions(tls: TlsSettings): SecureContextOptions {
  return {
    cert: tls.certificates.map(each => each.cert),
    key: tls.certificates.map(each => each.key),
    ca: tls.ca,
    ...handshakes[tls.profile],
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION
  }
}

/**
 * Node pauses a connection whose answers nobody takes, but its parser, fed by TLS itself, is given the rest of what was
 * decrypted all the same: it loses that (`HPE_PAUSED`) and later reads on in the middle of a request. With a listener for
 * data it is fed through the stream, which waits. Only once paused, since it costs some microseconds a request.
 */
function loseNothingWhilePaused(socket: Socket): void {
  socket.on('pause', readThroughStream)
}

/** For the first pause of a connection. One function for all: thousands of them are open and never paused. */
function readThroughStream(this: Socket): void {
  this.removeListener('pause', readThroughStream)
  this.on('data', () => {})
  // Node's own listeners have stopped the handle just now, and are gone with this one: nobody else would start it again.
  this.once('resume', () => {
    const { _handle: handle } = this as Socket & { readonly _handle: Handle | null }
    if (!handle || handle.reading) return
    handle.reading = true
    handle.readStart()
  })
}

/** What Node reads a connection through; it has no public name. */
interface Handle {
  reading: boolean
  readonly readStart: () => void
}

/**
 * Gives leave to send the body, in its turn. Node would queue that behind the answers before it and then put the head of
 * this answer in front: it would land in its body.
 */
function sayContinue(response: ServerResponse): void {
  if (response.socket) response.writeContinue()
  else
    response.once('socket', () => {
      if (!response.headersSent) response.writeContinue()
    })
}

/**
 * The agents' HTTPS server: certificates of several key types side by side, a client certificate asked for but
 * judged later, versions and ciphers of a profile. No session tickets, since a resumed session would skip the client's check, and no
 * renegotiation: a connection is who it was when it began.
 */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const { tls, requestId, serve, onRequest, onClientError, onTunnel, timeouts = usualTimeouts } = options
  const fastify = Fastify({
    https: {
      ...secureContextOptions(tls),
      requestCert: true,
      rejectUnauthorized: false,
      // Judged with the rest of a request, in words of our own.
      requireHostHeader: false,
      handshakeTimeout: timeouts.handshakeMs,
      connectionsCheckingInterval: timeouts.checkMs,
      ALPNProtocols: ['http/1.1'],
      keepAlive: true,
      keepAliveInitialDelay: timeouts.silenceMs
    },
    logger: false,
    genReqId: requestId,
    keepAliveTimeout: timeouts.idleMs,
    requestTimeout: timeouts.requestMs,
    exposeHeadRoutes: false,
    // Queries go to the masters as they came; nobody here reads them.
    routerOptions: { querystringParser: () => ({}) },
    clientErrorHandler: onClientError,
    // A target the router cannot decode is still ours to judge and answer.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      serve(request.id, request.raw, reply.raw)
    }
  })
  const server = fastify.server as HttpsServer
  server.headersTimeout = timeouts.headersMs
  // `http.Server` has it of old; neither its documentation nor its types do.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('connect', onTunnel)
  server.on('secureConnection', socket => {
    // An agent that has ended its side is still told what its request came to. A handshake that was given up is not kept.
    socket.allowHalfOpen = true
    loseNothingWhilePaused(socket)
  })
  server.on('checkContinue', (request, response) => {
    sayContinue(response)
    server.emit('request', request, response)
  })
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
    // Never contacted: every request is taken before the plugin looks for an upstream, and makes three URLs for that.
    upstream: 'http://master.invalid',
    preHandler(request, reply) {
      reply.hijack()
      serve(request.id, request.raw, reply.raw)
    }
  })
  fastify.setNotFoundHandler((request, reply) => {
    reply.hijack()
    serve(request.id, request.raw, reply.raw)
  })

  const [route] = server.listeners('request') as [Listener['route']]
  server.removeAllListeners('request').on('request', onRequest)

  return {
    server,
    route(request, response) {
      // Of methods that Fastify does not know, or has rules of its own for, it would answer some by itself.
      if (isCarried(request.method)) route(request, response)
      else serve(requestId(), request, response)
    },
    async listen({ host, port, shared }) {
      await fastify.listen({ host, port, ...(shared && { reusePort: true }) })
      const address = server.address()
      return typeof address === 'object' && address ? address.port : port
    },
    setTls: next => server.setSecureContext(secureContextOptions(next)),
    close: () => fastify.close()
  }
}

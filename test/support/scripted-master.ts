import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { jrubyMetricsPath } from '../../src/puppet/jruby-metrics.ts'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'

/** A request as a master saw it. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  /** Values of one header, in order, name compared without case. */
  readonly header: (name: string) => readonly string[]
  /** SNI of its connection; undefined without TLS. */
  readonly servername: string | undefined
  /** Common name in the certificate its client showed; undefined without one. */
  readonly peer: string | undefined
  /** Which connection it came on, counted from 0. */
  readonly connection: number
}

export interface ScriptedMaster {
  readonly url: string
  readonly port: number
  /** Every request but health checks. */
  readonly seen: readonly SeenRequest[]
  /** Connections open now. */
  readonly connections: () => number
  /** Resolves as soon as the condition holds; looked at with every request and connection that comes or goes. */
  readonly until: (condition: (master: ScriptedMaster) => boolean) => Promise<void>
  /** Ends the listener and every connection at once, as kill -9 does. */
  readonly kill: () => Promise<void>
}

type Script = (request: IncomingMessage, response: ServerResponse) => void

/** A master that answers its health checks with `running` and everything else as the test says. */
export async function startScriptedMaster(
  t: { teardown: (task: () => unknown) => void },
  script: Script,
  options: {
    readonly tls?: Pick<IssuedCertificate, 'chain' | 'key'>
    /** Bundle that clients' certificates must chain to; then every client must show one. */
    readonly clientCa?: string
    readonly port?: number
    /** Address to listen on; default: 127.0.0.1. */
    readonly host?: string
    /** Default: so many that no request waits, for tests that are not about waiting. */
    readonly jrubies?: number
    /** What it says about its JRubies each time it is asked; default: all are idle. */
    readonly metrics?: () => string
  } = {}
): Promise<ScriptedMaster> {
  const sockets = new Map<Socket, number>()
  const seen: SeenRequest[] = []
  const waiting = new Set<() => void>()
  const look = () => {
    for (const each of waiting) each()
  }
  let connectionCount = 0
  const onRequest: Script = (request, response) => {
    if (request.url === jrubyMetricsPath) {
      response.end(options.metrics?.() ?? jrubyMetrics(options.jrubies ?? PLENTY))
      return
    }
    if (request.url === '/status/v1/simple') {
      response.end('running')
      return
    }
    seen.push(seenRequest(request, sockets.get(request.socket) ?? -1))
    script(request, response)
    look()
  }
  const server = options.tls
    ? https.createServer(
        {
          cert: options.tls.chain,
          key: options.tls.key,
          ...(options.clientCa && { requestCert: true, rejectUnauthorized: true, ca: options.clientCa })
        },
        onRequest
      )
    : http.createServer(onRequest)
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.set(socket, connectionCount++)
    socket.once('close', () => {
      sockets.delete(socket)
      look()
    })
    look()
  })
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function kill(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    for (const socket of sockets.keys()) socket.destroy()
    await closed
  }
  t.teardown(kill)
  const master: ScriptedMaster = {
    url: `${options.tls ? 'https' : 'http'}://${options.tls ? 'localhost' : '127.0.0.1'}:${port}`,
    port,
    seen,
    connections: () => sockets.size,
    until(condition) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const each = () => {
        if (condition(master)) resolve()
      }
      waiting.add(each)
      each()
      return promise.finally(() => waiting.delete(each))
    },
    kill
  }
  return master
}

const PLENTY = 1_000

/** What a master says about its JRubies: idle ones, unless told otherwise. */
export function jrubyMetrics(jrubies: number, { free = jrubies, borrowed = 1 } = {}): string {
  const metrics = {
    'num-jrubies': jrubies,
    'num-free-jrubies': free,
    'borrow-count': borrowed,
    'requested-instances': []
  }
  return JSON.stringify({ state: 'running', status: { experimental: { metrics } } })
}

function seenRequest(request: IncomingMessage, connection: number): SeenRequest {
  const { rawHeaders } = request
  const socket = request.socket as Partial<TLSSocket> & { readonly servername?: string | false }
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    rawHeaders,
    header: name =>
      rawHeaders.filter(
        (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase()
      ),
    servername: socket.servername || undefined,
    peer: socket.getPeerX509Certificate?.()?.toLegacyObject().subject.CN?.toString(),
    connection
  }
}

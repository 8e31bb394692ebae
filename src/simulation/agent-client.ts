import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { gte } from 'semver'
import type { Runtime } from '../model/runtime.ts'
import { agentHeaders } from './agent-headers.ts'
import { AgentRequestError } from './agent-request-error.ts'
import { pause } from './pause.ts'

/** How an agent reaches its server. */
export interface AgentConnectionOptions {
  readonly host: string
  readonly port: number
  /** The name it knows the server by: SNI, Host, and what the certificate must be for. Default `host`. */
  readonly servername?: string
  /** CA bundle (PEM). Without it the agent speaks plain HTTP, for masters behind a balancer. */
  readonly ca?: string
  /** Revocation lists (PEM) for the server's chain. */
  readonly crl?: string
  /** True during the first step of a bootstrap, when there is no CA bundle yet. */
  readonly insecure?: boolean
  /** Certificate (leaf or chain) and key, PEM. */
  readonly identity?: { readonly cert: string; readonly key: string }
  /** Version of Puppet, which decides URLs, headers and manners. Default 8.10.0. */
  readonly version?: string
  /** Keep the connection between requests. Default: as the version does, from 3.7. */
  readonly keepAlive?: boolean
  /** Sent with every request, as with the setting `http_extra_headers`. */
  readonly headers?: OutgoingHttpHeaders
  /** Longest silence. Default 10 minutes, as `http_read_timeout`. */
  readonly readTimeoutMs?: number
  /** How often a 503 with `Retry-After` is waited out before it counts as a failure. Default 10. */
  readonly maxSleeps?: number
  /** Hangs up at once, wherever the run is. */
  readonly signal?: AbortSignal
  readonly runtime: Runtime
}

/** One request of an agent. */
export interface AgentQuestion {
  readonly method: string
  /** Request target, as it goes on the wire. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** How one request went: its last answer, if it was told to come back later. */
export interface AgentRequestResult {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Length of the answer's body as received. */
  readonly bytes: number
  /** SHA-256 of it, hexadecimal. */
  readonly sha256: string
  readonly durationMs: number
  /** Number of the connection it went over, counted from 1. */
  readonly connection: number
  /** How often it was told to come back later. */
  readonly sleeps: number
}

/** An answer with its body, decompressed, unless that was longer than an agent would look into. */
export interface AgentAnswer extends AgentRequestResult {
  readonly text: string
}

/** An agent's connections to one server: one request at a time, no retries, no TLS sessions resumed. */
export interface AgentClient {
  /** Rejects with an `AgentRequestError` when there is no answer. */
  readonly ask: (question: AgentQuestion) => Promise<AgentAnswer>
  readonly results: readonly AgentRequestResult[]
  /** How many connections were opened. */
  readonly connections: () => number
  readonly close: () => void
}

/** `http_keepalive_timeout`: a connection that idled longer is not used again. */
const keepAliveMs = 4000
/** `runinterval`, which bounds what a `Retry-After` can ask. */
const longestSleepMs = 30 * 60 * 1000
const maxTextBytes = 4 * 1024 * 1024

export function createAgentClient(options: AgentConnectionOptions): AgentClient {
  const { runtime, version = '8.10.0', maxSleeps = 10 } = options
  const keepAlive = options.keepAlive ?? gte(version, '3.7.0')
  const honoursRetryAfter = gte(version, '5.3.0')
  const pool = createPool(options, keepAlive)
  const results: AgentRequestResult[] = []

  const askOnce = async (question: AgentQuestion, sleeps: number): Promise<AgentAnswer> => {
    const startedMs = runtime.now()
    const request = pool.open(question)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const connection = pool.numberOf(response.socket)
    const body = await receive(response)
    pool.used()
    const { method, path } = question
    const { statusCode: status = 0, headers } = response
    const durationMs = runtime.now() - startedMs
    return { method, path, status, headers, ...body, durationMs, connection, sleeps }
  }

  const ask = async (question: AgentQuestion): Promise<AgentAnswer> => {
    for (let sleeps = 0; ; sleeps++) {
      const answer = await askOnce(question, sleeps).catch((error: Error) => {
        pool.close()
        throw new AgentRequestError(question, undefined, error.message, { cause: error })
      })
      const delayMs = honoursRetryAfter ? retryDelayMs(answer) : undefined
      if (delayMs === undefined || sleeps === maxSleeps) {
        const { text, ...result } = answer
        results.push(result)
        return answer
      }
      pool.close()
      await pause(delayMs, runtime, options.signal)
    }
  }

  return { ask, results, connections: pool.opened, close: pool.close }
}

/** The connection in use, and a new one when it is too old. */
function createPool(options: AgentConnectionOptions, keepAlive: boolean) {
  const { host, port, servername = host, runtime, ca, identity, version = '8.10.0' } = options
  const isTls = ca !== undefined || options.insecure === true
  const numbers = new WeakMap<object, number>()
  let opened = 0
  let usedMs = 0
  let agent = newAgent()

  function newAgent(): http.Agent {
    if (!isTls) return new http.Agent({ keepAlive, maxSockets: 1 })
    return new https.Agent({
      keepAlive,
      maxSockets: 1,
      maxCachedSessions: 0,
      servername,
      rejectUnauthorized: options.insecure !== true,
      ...(ca !== undefined && { ca }),
      ...(options.crl !== undefined && { crl: options.crl.match(crlPattern) ?? [] }),
      ...(identity && { cert: identity.cert, key: identity.key })
    })
  }

  const close = () => {
    agent.destroy()
    agent = newAgent()
  }

  const count = (socket: Socket) => {
    if (!numbers.has(socket)) numbers.set(socket, ++opened)
  }

  return {
    close,
    opened: () => opened,
    numberOf: (socket: Socket) => numbers.get(socket) ?? 0,
    used: () => {
      usedMs = runtime.now()
    },
    open: ({ method, path, headers, body }: AgentQuestion): ClientRequest => {
      if (runtime.now() - usedMs > keepAliveMs) close()
      const { request } = isTls ? https : http
      const opening = request({
        host,
        port,
        method,
        path,
        agent,
        headers: {
          Host: `${servername}:${port}`,
          ...agentHeaders(version),
          ...headers,
          ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
          ...options.headers
        },
        ...(options.signal && { signal: options.signal })
      })
      opening.setTimeout(options.readTimeoutMs ?? 600_000, () => {
        opening.destroy(new Error('the server was silent for too long'))
      })
      // An error after the answer began reaches the answer as well, which is where it is looked for.
      opening.on('error', () => {})
      return opening.once('socket', count).end(body)
    }
  }
}

/** Node reads one list a text, OpenSSL wants one for every certificate of the chain. */
const crlPattern = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g

async function receive(response: IncomingMessage) {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes <= maxTextBytes) kept.push(chunk)
  }
  const whole = bytes <= maxTextBytes ? Buffer.concat(kept) : Buffer.alloc(0)
  const gzipped = response.headers['content-encoding'] === 'gzip' && whole.length > 0
  return { bytes, sha256: hash.digest('hex'), text: (gzipped ? gunzipSync(whole) : whole).toString() }
}

/** Milliseconds a 429 or 503 asks to wait; agents understand whole seconds only. */
function retryDelayMs({ status, headers }: AgentRequestResult): number | undefined {
  if (status !== 503 && status !== 429) return undefined
  if (!/^\d+$/.test(headers['retry-after'] ?? '')) return undefined
  return Math.min(Number(headers['retry-after']) * 1000, longestSleepMs)
}

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import type { Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Runtime } from '../model/runtime.ts'
import { type AgentGeneration, generationOf } from './agent-generation.ts'
import { AgentRequestError } from './agent-request-error.ts'
import { pause } from './pause.ts'

/** How an agent reaches its server. */
export interface AgentConnectionOptions {
  readonly host: string
  readonly port: number
  /** The name it knows the server by: SNI, Host, and what the certificate must be for. */
  readonly servername: string
  /** CA bundle (PEM). Left out only in the first step of a bootstrap: then nothing is verified. */
  readonly ca?: string
  /** Revocation lists (PEM) for the server's chain. */
  readonly crl?: string
  /** Certificate (leaf or chain) and key, PEM. */
  readonly identity?: { readonly cert: string; readonly key: string }
  /** Hangs up at once, wherever the run is. */
  readonly signal?: AbortSignal
  /** Version of Puppet; `none` says none. Default: 8.10.0. */
  readonly version?: string
  readonly runtime: Runtime
}

/** One request of an agent. */
export interface AgentQuestion {
  readonly method: string
  /** Request target, as it goes on the wire. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** How one request went: its last answer, if it was told to come back later. */
export interface AgentRequestResult {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** SHA-256 of the answer's body as received, hexadecimal. */
  readonly sha256: string
}

/** An answer with its body, decompressed. */
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

const newestVersion = '8.10.0'

/** What `lib/puppet/http/client.rb` of agent 8 sends with every request. */
const agentHeaders = {
  Accept: 'application/vnd.puppet.rich+json, application/json, text/pson',
  'Accept-Encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3'
}

function versionHeaders({ version, hidesVersionAtContent }: AgentGeneration, path: string) {
  if (version === undefined) return { 'User-Agent': 'Ruby' }
  const userAgent = { 'User-Agent': `Puppet/${version} Ruby/3.2.4-p170 (x86_64-linux)` }
  const isHidden = hidesVersionAtContent && path.includes('/file_content/')
  return isHidden ? userAgent : { 'X-Puppet-Version': version, ...userAgent }
}
/** `http_keepalive_timeout`: a connection that idled longer is not used again. */
const keepAliveMs = 4000
/** `http_read_timeout`: the longest silence. */
const readTimeoutMs = 600_000
/** `runinterval`, which bounds what a `Retry-After` can ask. */
const longestSleepMs = 30 * 60 * 1000

/** An agent's connections; nothing is opened before the first request. */
export function createAgentClient(options: AgentConnectionOptions): AgentClient {
  const { runtime, signal, version = newestVersion } = options
  const generation = generationOf(version === 'none' ? undefined : version)
  const pool = createPool(options, generation)
  const results: AgentRequestResult[] = []

  const askOnce = async (question: AgentQuestion): Promise<AgentAnswer> => {
    const [response] = (await once(pool.open(question), 'response')) as [IncomingMessage]
    const body = await receive(response)
    pool.used()
    const { method, path } = question
    const { statusCode: status = 0, headers } = response
    return { method, path, status, headers, ...body }
  }

  const ask = async (question: AgentQuestion): Promise<AgentAnswer> => {
    for (let sleeps = 0; ; sleeps++) {
      const answer = await askOnce(question).catch((error: Error) => {
        pool.close()
        throw new AgentRequestError(question, undefined, error.message, { cause: error })
      })
      const delayMs = generation.onRetryAfter === 'ignores' ? undefined : retryDelayMs(answer)
      if (delayMs === undefined || sleeps === generation.mostSleeps) {
        const { text, ...result } = answer
        results.push(result)
        return answer
      }
      pool.close()
      await pause(delayMs, runtime, signal)
      if (generation.onRetryAfter === 'dies')
        throw new AgentRequestError(question, answer.status, 'attempt to read body out of block')
    }
  }

  return { ask, results, connections: pool.opened, close: pool.close }
}

/** The connection in use, and a new one when it is too old. */
function createPool(
  { host, port, servername, runtime, ca, crl, identity, signal }: AgentConnectionOptions,
  generation: AgentGeneration
) {
  const seen = new WeakSet<Socket>()
  let opened = 0
  let usedMs = 0
  let agent = newAgent()

  function newAgent(): Agent {
    return new Agent({
      keepAlive: true,
      maxSockets: 1,
      maxCachedSessions: 0,
      servername,
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      ...(crl !== undefined && { crl: crl.match(crlPattern) ?? [] }),
      ...(identity && { cert: identity.cert, key: identity.key })
    })
  }

  const close = () => {
    agent.destroy()
    agent = newAgent()
  }

  const count = (socket: Socket) => {
    if (seen.has(socket)) return
    seen.add(socket)
    opened++
  }

  return {
    close,
    opened: () => opened,
    used: () => {
      usedMs = runtime.now()
    },
    open: ({ method, path, headers, body }: AgentQuestion): ClientRequest => {
      if (runtime.now() - usedMs > keepAliveMs) close()
      const opening = request({
        host,
        port,
        method,
        path,
        agent,
        headers: {
          Host: `${servername}:${port}`,
          ...agentHeaders,
          ...versionHeaders(generation, path),
          ...headers,
          ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) })
        },
        ...(signal && { signal })
      })
      opening.setTimeout(readTimeoutMs, () => {
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
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  const whole = Buffer.concat(chunks)
  const isGzipped = response.headers['content-encoding'] === 'gzip' && whole.length > 0
  const sha256 = createHash('sha256').update(whole).digest('hex')
  return { sha256, text: (isGzipped ? gunzipSync(whole) : whole).toString() }
}

/** Milliseconds a 429 or 503 asks to wait; agents understand whole seconds only. */
function retryDelayMs({ status, headers }: AgentRequestResult): number | undefined {
  if (status !== 503 && status !== 429) return undefined
  if (!/^\d+$/.test(headers['retry-after'] ?? '')) return undefined
  return Math.min(Number(headers['retry-after']) * 1000, longestSleepMs)
}

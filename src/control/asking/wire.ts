import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { Client } from 'undici'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import type { Cause } from '../../upstream/cause.ts'
import { createConnector } from '../../upstream/connector.ts'
import { createRoute } from '../../upstream/route.ts'
import { hintOf } from '../master-watch/hint.ts'
import { NoAnswer } from '../master-watch/no-answer.ts'

/** What is asked. */
export interface Question {
  readonly path: string
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly body: string
  /** Its `Date`, and what our clock said in the middle between question and answer; in ms since 1970. */
  readonly date: { readonly theirsMs: number; readonly oursMs: number } | undefined
}

/** Questions to one master, one after the other on one connection where it keeps that. */
export interface Wire {
  /** Why there is no answer is a `Cause`. Never rejects. */
  readonly ask: (question: Question) => Promise<Answer | Cause>
  /** What the other end showed in the handshake that went well. */
  readonly certificate: () => X509Certificate | undefined
  readonly close: () => void
}

export interface WireOptions {
  readonly url: string
  readonly addresses: readonly string[]
  /** What it calls itself. */
  readonly userAgent: string
  readonly upstream: UpstreamSettings
  /** What is said before any TLS. */
  readonly preamble: (() => Buffer) | undefined
  /** The longest answer that is taken. */
  readonly maxBytes: number
  readonly runtime: Runtime
}

const accept = 'application/json, text/pson, text/plain, */*'

export function isCause(answer: Answer | Cause): answer is Cause {
  return 'kind' in answer
}

/** Connects as the balancer does; nothing is sent before the first question. */
export function createWire(options: WireOptions): Wire {
  const { url, addresses, userAgent, upstream, preamble, maxBytes, runtime } = options
  const route = createRoute(() => addresses)
  const wire = { isTaken: false, isConnected: false, isLate: false }
  let certificate: X509Certificate | undefined
  const connect = createConnector(upstream, route, runtime, {
    onTaken() {
      wire.isTaken = true
    },
    preamble
  })
  const client = new Client(url, {
    connect: (to, done) =>
      connect(to, (...[error, socket]) => {
        if (error) {
          done(error, null)
          return
        }
        wire.isConnected = true
        if (socket instanceof TLSSocket) certificate = socket.getPeerX509Certificate()
        done(null, socket)
      }),
    allowH2: false,
    maxResponseSize: maxBytes
  })

  async function causeOf(error: unknown): Promise<Cause> {
    const { why } = new NoAnswer(error, wire)
    if (wire.isLate || (why.kind !== 'reset' && why.kind !== 'closed')) return why
    return (await hintOf(url, upstream, route, runtime, preamble)) ?? why
  }

  return {
    async ask({ path, method = 'GET', headers = {} }) {
      const sinceMs = runtime.wallClock()
      try {
        const answer = await client.request({
          path,
          method,
          headers: { accept, 'user-agent': userAgent, ...headers }
        })
        const oursMs = (sinceMs + runtime.wallClock()) / 2
        const theirsMs = Date.parse(String(answer.headers.date))
        const date = Number.isNaN(theirsMs) ? undefined : { theirsMs, oursMs }
        return { status: answer.statusCode, body: await answer.body.text(), date }
      } catch (error) {
        return causeOf(error)
      }
    },
    certificate: () => certificate,
    close() {
      wire.isLate = true
      client.destroy(new Error('timed out')).catch(() => {}) // Nothing is left to do with one that cannot be torn down.
    }
  }
}

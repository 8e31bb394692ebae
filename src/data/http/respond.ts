import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Logger } from 'pino'
import { ProxyError } from '../../model/errors.ts'
import { returnsOf } from '../../puppet/agent-version.ts'
import { retryAfterSeconds } from '../../puppet/retry-after.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { countedPool } from '../request-record.ts'
import type { Exchange } from './exchange.ts'
import { returnSpread } from './patience.ts'
import { allowedMethods } from './plan.ts'

/** An upload that still runs after its answer is given this long, so that the agent reads the answer first. */
export const LINGER_MS = 10_000

/** Of a reason phrase: a line on a terminal or two. */
const PHRASE_CHARACTERS = 200

/** What the head of an answer of ours says beside its status. */
export interface OwnHead {
  /** Why, as a code. */
  readonly reason?: string
  /** Seconds. */
  readonly retryAfter?: number | undefined
  /** Default: the usual one of the status. */
  readonly phrase?: string
}

export interface Responder {
  /** Ends a request with an answer of the proxy's own. */
  readonly refuse: (exchange: Exchange, error: ProxyError) => void
  /** Ends a request that ran into a defect of the balancer's own, which is logged. Never throws. */
  readonly fail: (exchange: Exchange, defect: unknown) => void
  readonly answer: (exchange: Exchange, status: number, body: string, head?: OwnHead) => void
  /**
   * To be called when a request was answered before its body was read to the end, by whomever. Agents read
   * nothing before they have sent everything, so what still comes is dropped, for a while.
   */
  readonly dropRest: (request: IncomingMessage) => void
}

/** What an agent prints: what is wrong, and what to look for in the log. */
export function sentenceOf(error: ProxyError, id: string): string {
  return `${error.message}. Request ${id}`
}

/**
 * The sentence without its id, for the status line: `puppet ssl` and pluginsync print nothing else of an answer. What a
 * status line must not hold is gone, whatever a detail brings along.
 */
export function phraseOf({ message }: ProxyError): string {
  return message.replace(/[^ -~]+/g, ' ').slice(0, PHRASE_CHARACTERS)
}

/** The one place where an error becomes HTTP. */
export function createResponder(deps: {
  readonly metrics: TrafficMetrics
  readonly log: Logger
  readonly random: () => number
  readonly schedule: (delayMs: number, task: () => void) => () => void
}): Responder {
  function answer(
    exchange: Exchange,
    status: number,
    body: string,
    { reason, retryAfter, phrase = STATUS_CODES[status] ?? '' }: OwnHead = {}
  ): void {
    const { response, request } = exchange
    const bytes = Buffer.byteLength(body)
    const headers =
      status === 204 ? [] : ['content-type', 'text/plain; charset=utf-8', 'content-length', `${bytes}`]
    if (reason !== undefined) headers.push('x-puppet-lb-reason', reason)
    if (retryAfter !== undefined) headers.push('retry-after', String(retryAfter))
    if (status === 405) headers.push('allow', allowedMethods)
    exchange.bytesOut = bytes
    // Always with a phrase of its own: one that an attempt to write another head left behind would stay.
    response.writeHead(status, phrase, headers)
    response.end(body)
    dropRest(request)
  }

  function dropRest(request: IncomingMessage): void {
    const { socket } = request
    // Nobody wants it any more, but who read it last may have paused it.
    request.removeAllListeners('data').resume()
    if (request.complete) return
    const cancel = deps.schedule(LINGER_MS, () => {
      if (!request.complete) socket.destroy()
    })
    request.once('end', cancel)
  }

  function refuse(exchange: Exchange, error: ProxyError): void {
    exchange.end = error.code
    exchange.cause = error.detail
    const { response, request } = exchange
    if (response.headersSent || response.destroyed) {
      // The answer has begun and cannot be finished: a cut connection is the one way to say so.
      response.destroy()
      return
    }
    if (error.retry) countShed(exchange, error)
    const returns = error.retry ? returnsOf(puppetVersionOf(request)) : 0
    const seconds = error.returnSeconds
    const spread =
      seconds === undefined ? returnSpread(returns) : { minSeconds: seconds, maxSeconds: seconds }
    const retryAfter = returns > 0 ? retryAfterSeconds(deps.random(), spread) : undefined
    exchange.isSentAway = retryAfter !== undefined
    const phrase = phraseOf(error)
    answer(exchange, error.status, sentenceOf(error, exchange.id), { reason: error.code, retryAfter, phrase })
  }

  function countShed({ record }: Exchange, { code: reason }: ProxyError): void {
    const pool = countedPool(record)
    deps.metrics.shed.inc({ reason })
    if (pool !== undefined) deps.metrics.poolShed.inc({ pool, reason })
  }

  return {
    answer,
    dropRest,
    refuse,
    fail(exchange, defect) {
      deps.log.error({ id: exchange.id, err: defect }, 'request failed inside the balancer')
      try {
        refuse(exchange, new ProxyError('internal'))
      } catch (err) {
        deps.log.error({ id: exchange.id, err }, 'nor could it be answered: its connection is cut')
        exchange.response.destroy()
      }
    }
  }
}

/** The version of Puppet that a request says it comes from; `undefined` for none or several. */
export function puppetVersionOf(request: IncomingMessage): string | undefined {
  const version = request.headers['x-puppet-version']
  return typeof version === 'string' ? version : undefined
}

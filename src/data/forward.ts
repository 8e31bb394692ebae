import type { IncomingMessage } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import { ProxyError, type ReasonCode } from '../model/errors.ts'
import type { Outcome } from '../model/messages.ts'
import type { Master } from '../model/snapshot.ts'
import type { TrafficMetrics } from '../telemetry/metrics.ts'
import type { Exchange } from './exchange.ts'
import { requestHeaders, responseHeaders } from './headers.ts'
import { hasBody, RequestBody } from './request-body.ts'
import type { Responder } from './respond.ts'
import { mayTryNext } from './retry.ts'
import type { Upstream } from './upstream.ts'

/** A catalog request brings some 100 KB of facts; what is larger than this streams and is not sent twice. */
const KEEP_BODY_BYTES = 1024 * 1024

export interface ForwardDeps {
  readonly metrics: TrafficMetrics
  readonly responder: Responder
  readonly now: () => number
  readonly upstreamOf: (master: Master) => Upstream
  /** Charges and frees a request at a master on the board. */
  readonly begin: (master: Master) => void
  readonly end: (master: Master) => void
  readonly report: (outcome: Outcome) => void
}

/** One request to be brought to a master. */
export interface Errand {
  readonly exchange: Exchange
  /** What masters are told about the agent, as a flat list of header names and values. */
  readonly identity: readonly string[]
  /** May be sent once more after a master had it and broke off. */
  readonly repeatable: boolean
  /** The next master to try, given the indexes of those tried; `undefined` when there is none. */
  readonly next: (tried: readonly number[]) => Master | undefined
  /** What to say when nobody is left to try. */
  readonly nobody: ReasonCode
}

export function forward(errand: Errand, deps: ForwardDeps): void {
  new Forwarding(errand, deps).start()
}

/** Brings one request to one master after the other until one answers, and streams the answer to the agent. */
class Forwarding implements Dispatcher.DispatchHandler {
  readonly #errand: Errand
  readonly #exchange: Exchange
  readonly #deps: ForwardDeps
  readonly #body: RequestBody | undefined
  readonly #tried: number[] = []
  #master: Master | undefined
  #controller: Dispatcher.DispatchController | undefined
  /** When the attempt under way began. */
  #sinceMs: number | undefined
  #repeats = 0
  #answered = false
  #agentGone = false
  #waitsForDrain = false

  constructor(errand: Errand, deps: ForwardDeps) {
    this.#errand = errand
    this.#exchange = errand.exchange
    this.#deps = deps
    const { request } = errand.exchange
    this.#body = hasBody(request)
      ? new RequestBody(request, errand.repeatable ? KEEP_BODY_BYTES : 0, bytes => {
          errand.exchange.bytesIn += bytes
        })
      : undefined
  }

  start(): void {
    // Before the books on the exchange are closed: they are to tell how long the master had it.
    this.#exchange.response.prependOnceListener('close', () => this.#onResponseClose())
    this.#attempt()
  }

  /** `after`: what ended the attempt before. */
  #attempt(after?: Failure['reason']): void {
    const { exchange, identity, next, nobody } = this.#errand
    const master = next(this.#tried)
    if (!master) {
      this.#deps.responder.refuse(exchange, new ProxyError(nobody))
      return
    }
    if (after) this.#deps.metrics.retries.inc({ reason: after })
    const { pool, host } = this.#deps.upstreamOf(master)
    const { request } = exchange
    this.#tried.push(master.index)
    this.#master = master
    this.#controller = undefined
    this.#sinceMs = this.#deps.now()
    exchange.attempts++
    exchange.master = master.name
    this.#deps.begin(master)
    pool.dispatch(
      {
        path: request.url as string,
        method: request.method as Dispatcher.HttpMethod,
        headers: requestHeaders(request.rawHeaders, request.headers.connection, host, identity),
        body: this.#body?.open() ?? null,
        // undici closes the connection after a HEAD unless told not to.
        reset: false
      },
      this
    )
  }

  /** The connection stands and the request goes out now: from here on a master may have seen it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#agentGone) controller.abort(agentGone)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Record<string, string | string[] | undefined>,
    statusMessage?: string
  ): void {
    if (statusCode < 200) return
    if (this.#agentGone) {
      // The master is done with what an agent no longer waits for; its answer need not be carried.
      controller.abort(agentGone)
      return
    }
    this.#answered = true
    const { response } = this.#exchange
    response.writeHead(statusCode, reasonPhrase(statusMessage), responseHeaders(headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#exchange
    this.#exchange.bytesOut += chunk.length
    if (response.write(chunk)) return
    controller.pause()
    if (this.#waitsForDrain) return
    this.#waitsForDrain = true
    response.once('drain', () => {
      this.#waitsForDrain = false
      this.#controller?.resume()
    })
  }

  onResponseEnd(): void {
    this.#endAttempt()
    this.#exchange.response.end()
    if (this.#body) this.#deps.responder.dropRest(this.#exchange.request)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const master = this.#endAttempt()
    const sent = this.#controller !== undefined
    const failure = describe(error, sent)
    if (failure.reason === 'connect-failed') {
      this.#deps.report({ masterIndex: master.index, result: 'connect-failed', cause: failure.cause })
    }
    // A body that broke off is news of the agent as well, and may come before the response hears of it.
    if (this.#agentGone || isCutShort(this.#exchange.request)) return
    const { exchange, repeatable } = this.#errand
    const mayTry =
      failure.worthAnother &&
      mayTryNext({
        sent,
        answered: this.#answered,
        repeatable,
        bodyKept: this.#body?.isKept ?? true,
        repeats: this.#repeats
      })
    if (mayTry) {
      if (sent) this.#repeats++
      this.#attempt(failure.reason)
    } else {
      this.#deps.responder.refuse(exchange, new ProxyError(failure.code, undefined, { cause: error }))
    }
  }

  #endAttempt(): Master {
    const master = this.#master as Master
    const { end, metrics } = this.#deps
    const upstreamMs = this.#elapsedMs()
    this.#sinceMs = undefined
    this.#exchange.upstreamMs += upstreamMs
    end(master)
    if (this.#controller) {
      metrics.upstreamDuration.observe(
        { class: this.#exchange.class, master: master.name },
        upstreamMs / 1000
      )
    }
    return master
  }

  #elapsedMs(): number {
    return this.#sinceMs === undefined ? 0 : this.#deps.now() - this.#sinceMs
  }

  #onResponseClose(): void {
    const { response, request } = this.#exchange
    if (response.writableFinished) return
    this.#agentGone = true
    // Nothing or only a part has reached the master, or it is already answering: cutting it off frees it. In
    // between it compiles, and goes on whether we listen or not (DESIGN 4.8): then the request stays open, and
    // the master charged with it, until it answers.
    if (this.#answered || !request.complete) this.#controller?.abort(agentGone)
    this.#exchange.upstreamMs += this.#elapsedMs()
  }
}

const agentGone = new Error('the agent hung up')

function isCutShort(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete
}

/** Puppet 3 puts its error message there, in whatever language: what HTTP cannot carry is left out. */
function reasonPhrase(statusMessage = ''): string {
  return carriable.test(statusMessage) ? statusMessage : ''
}

const carriable = /^[\t\x20-\x7e\x80-\xff]*$/

interface Failure {
  /** For `retries_total` and the log. */
  readonly reason: 'connect-failed' | 'master-lost' | 'master-timeout' | 'master-answer' | 'bad-request'
  readonly code: ReasonCode
  readonly cause: string
  /** Another master might do better. */
  readonly worthAnother: boolean
}

/** What undici's error means for the request. */
function describe(error: Error, sent: boolean): Failure {
  const cause = (error as NodeJS.ErrnoException).code ?? error.name
  if (cause === 'UND_ERR_INVALID_ARG') {
    return { reason: 'bad-request', code: 'bad-request', cause, worthAnother: false }
  }
  if (!sent) return { reason: 'connect-failed', code: 'no-master', cause, worthAnother: true }
  if (cause === 'UND_ERR_HEADERS_TIMEOUT' || cause === 'UND_ERR_BODY_TIMEOUT') {
    return { reason: 'master-timeout', code: 'master-timeout', cause, worthAnother: false }
  }
  const isMalformed = error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError
  if (isMalformed || cause.startsWith('UND_ERR_RES')) {
    return { reason: 'master-answer', code: 'master-answer', cause, worthAnother: false }
  }
  return { reason: 'master-lost', code: 'master-lost', cause, worthAnother: true }
}

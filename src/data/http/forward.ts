import type { Dispatcher } from 'undici'
import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/snapshot.ts'
import { beginTurn, endTurn } from '../request-record.ts'
import { pour } from './back-pressure.ts'
import { hasBody, isCutShort, RequestBody } from './body.ts'
import { candidates } from './candidates.ts'
import type { Errand, ForwardDeps, SlotNeed } from './errand.ts'
import type { Exchange } from './exchange.ts'
import { agentGone, type Failure, failureOf, passedOn } from './failure.ts'
import { reasonPhrase, requestHeaders, responseHeaders } from './headers.ts'
import { mayTryNext } from './retry.ts'
import type { Hold } from './wait.ts'

/** A catalog request brings some 100 KB of facts; what is larger streams and is not sent twice. */
const KEEP_BODY_BYTES = 1024 * 1024

/** Brings one request to one master after the other until one answers, and streams that answer. */
export class Forwarding implements Dispatcher.DispatchHandler {
  readonly #errand: Errand
  readonly #exchange: Exchange
  readonly #deps: ForwardDeps
  readonly #body: RequestBody | undefined
  readonly #tried: number[] = []
  #master: Master | undefined
  #controller: Dispatcher.DispatchController | undefined
  /** When the attempt under way began. */
  #sinceMs: number | undefined
  /** When it asked for its first JRuby. */
  #queuedSinceMs: number | undefined
  #repeats = 0
  #answered = false
  #agentGone = false
  #isPassedOn = false
  /** The JRuby this request has, or its place in the queue for one. */
  #hold: Hold | undefined

  constructor(errand: Errand, deps: ForwardDeps) {
    this.#errand = errand
    this.#exchange = errand.exchange
    this.#deps = deps
    const { request } = errand.exchange
    this.#body = hasBody(request)
      ? new RequestBody(request, KEEP_BODY_BYTES, bytes => {
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
    const { exchange, rule, next, nobody, slot } = this.#errand
    if (slot) {
      this.#queue(slot, after)
      return
    }
    this.#deps.decisions.choose(exchange.decision, rule, -1)
    const master = next(this.#tried)
    if (master) this.#send(master, after)
    else this.#refuse(nobody)
  }

  #queue(slot: SlotNeed, after: Failure['reason'] | undefined): void {
    const { exchange, rule, next, nobody } = this.#errand
    const { now, slots, metrics, masterAt, decisions } = this.#deps
    const first = next(this.#tried)
    // Content must be found again where it was stored: it waits for its master however full that is.
    const pinned = rule === 'content' ? (first?.index ?? -1) : slot.pinned()
    decisions.choose(exchange.decision, rule, pinned)
    if (!first) {
      this.#refuse(nobody)
      return
    }
    const askedAtMs = now()
    this.#queuedSinceMs ??= askedAtMs
    exchange.decision.waitsSinceMs = askedAtMs
    let isSettled = false
    const place = slots.ask({
      rank: slot.rank,
      sinceMs: this.#queuedSinceMs,
      waitedMs: exchange.queueMs,
      // An agent whose body is not read to its end could have left without a sign.
      mayWaitOn: () => !slot.comesBack && exchange.request.complete,
      pinned,
      tried: this.#tried,
      first: first.index,
      order: () => [first, ...candidates(next, [...this.#tried, first.index])].map(master => master.index),
      settle: (result, granted) => {
        isSettled = true
        exchange.decision.waitsSinceMs = undefined
        const waitedMs = now() - askedAtMs
        exchange.queueMs += waitedMs
        metrics.queueDuration.observe({ class: exchange.class }, waitedMs / 1000)
        if (typeof result === 'number') {
          this.#hold = granted
          slot.chosen(masterAt(result))
          this.#send(masterAt(result), after)
        } else this.#refuse(result)
      }
    })
    if (isSettled) return
    this.#hold = place
    this.#body?.readAhead()
  }

  #refuse(code: ReasonCode, options?: ErrorOptions): void {
    this.#deps.responder.refuse(this.#exchange, new ProxyError(code, undefined, options))
  }

  #send(master: Master, after: Failure['reason'] | undefined): void {
    const { exchange, identity } = this.#errand
    if (after) this.#deps.metrics.retries.inc({ reason: after })
    const { pool, host } = this.#deps.upstreamOf(master)
    const { request } = exchange
    this.#tried.push(master.index)
    this.#master = master
    this.#controller = undefined
    this.#sinceMs = this.#deps.now()
    exchange.attempts++
    exchange.master = master.name
    beginTurn(exchange.decision, master, this.#sinceMs)
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
    if (statusCode === 503 && headers['retry-after'] !== undefined && this.#mayTryAnother()) {
      // Busy, not broken: its own queue is full, and somebody else has room.
      this.#isPassedOn = true
      controller.abort(passedOn)
      return
    }
    this.#answered = true
    // Puppet Server takes its JRuby back before it sends the head of what the JRuby has made.
    this.#hold?.release(statusCode < 500)
    this.#exchange.response.writeHead(statusCode, reasonPhrase(statusMessage), responseHeaders(headers))
  }

  /** Whether a request that a master declined can go to one that has room now. */
  #mayTryAnother(): boolean {
    const { next, slot, rule } = this.#errand
    if (!slot || rule === 'content' || !(this.#body?.isKept ?? true) || !this.#exchange.request.complete)
      return false
    return candidates(next, this.#tried).some(this.#deps.hasRoom) && this.#deps.budget.take()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#exchange.bytesOut += chunk.length
    pour(this.#exchange.response, chunk, controller)
  }

  onResponseEnd(): void {
    this.#endAttempt('complete')
    this.#deps.budget.earn()
    this.#exchange.response.end()
    if (this.#body) this.#deps.responder.dropRest(this.#exchange.request)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const sent = this.#controller !== undefined
    const failure = failureOf(error, sent)
    // A body that broke off is news of the agent as well, and may come before the response hears of it.
    const isCut = this.#agentGone || isCutShort(this.#exchange.request)
    const master = this.#endAttempt(this.#isPassedOn ? 'master-busy' : isCut ? 'agent-gone' : failure.reason)
    if (this.#isPassedOn) {
      this.#isPassedOn = false
      if (!this.#agentGone) this.#attempt('master-busy')
      return
    }
    if (failure.reason === 'connect-failed' && !isCutShort(this.#exchange.request)) {
      this.#deps.report({ masterIndex: master.index, result: 'connect-failed', cause: failure.cause })
    }
    if (isCut) return
    const mayTry =
      failure.worthAnother &&
      mayTryNext({
        sent,
        answered: this.#answered,
        repeatable: this.#errand.repeatable,
        bodyKept: this.#body?.isKept ?? true,
        repeats: this.#repeats
      }) &&
      (!sent || this.#deps.budget.take())
    if (mayTry) {
      if (sent) this.#repeats++
      this.#attempt(failure.reason)
    } else {
      this.#refuse(failure.code, { cause: error })
    }
  }

  #endAttempt(why: string): Master {
    const master = this.#master as Master
    const { end, metrics } = this.#deps
    const upstreamMs = this.#elapsedMs()
    this.#sinceMs = undefined
    this.#hold?.release()
    this.#hold = undefined
    this.#exchange.upstreamMs += upstreamMs
    end(master)
    endTurn(this.#exchange.decision.turns.at(-1), why, upstreamMs)
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
    if (this.#sinceMs === undefined) this.#hold?.release()
    // Before we have the whole request, and once a master answers, cutting it off frees it. In between it may compile,
    // and goes on whether we listen or not (DESIGN 4.8): it stays charged with it meanwhile.
    if (this.#answered || !request.complete) this.#controller?.abort(agentGone)
    else this.#hold?.leave(() => this.#controller?.abort(agentGone))
    this.#exchange.upstreamMs += this.#elapsedMs()
  }
}

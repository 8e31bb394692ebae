import type { Eligible } from '../../balance/eligibility.ts'
import type { Rank } from '../../balance/queue-order.ts'
import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import type { Outcome } from '../../model/messages.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import type { Upstream } from '../../upstream/pools.ts'
import type { RequestHistory } from '../history.ts'
import { beginTurn, endTurn } from '../request-record.ts'
import { type AnswerHeaders, Attempt, type AttemptListener, type Ending } from './attempt.ts'
import { pour } from './back-pressure.ts'
import { hasBody, isCutShort, RequestBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { reasonPhrase, responseHeaders } from './headers.ts'
import type { Responder } from './respond.ts'
import { mayTryNext } from './retry.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Hold, WaitingRoom } from './wait.ts'

/** A catalog request brings some 100 KB of facts; what is larger streams and is not sent twice. */
const KEEP_BODY_BYTES = 1024 * 1024

/** How a request is brought to a master: what is left of its plan when it comes to that. */
export interface Delivery {
  readonly exchange: Exchange
  /** What masters are told about the agent, as a flat list of header names and values. */
  readonly identity: readonly string[]
  readonly repeatable: boolean
  /** For the history: how its master is chosen. */
  readonly rule: string
  /** Who may have it, given the ids of those tried; `undefined` when nobody is left. */
  readonly eligible: (tried: readonly number[]) => Eligible | undefined
  readonly pick: (candidates: readonly Master[]) => Master | undefined
  /** What to say when nobody is left to try. */
  readonly nobody: ReasonCode
  /** `undefined` for what needs no JRuby and never waits for one. */
  readonly slot: SlotNeed | undefined
}

/** What a request that needs a JRuby asks for. */
export interface SlotNeed {
  readonly rank: Rank
  readonly limit: number
  readonly timeoutMs: number
  /** Told to come back later, its agent does. */
  readonly comesBack: boolean
  /** Called with the master whose JRuby it got. */
  readonly chosen: (master: Master) => void
}

/** What the delivery of a worker's requests works with. */
export interface DispatchDeps {
  readonly metrics: TrafficMetrics
  readonly responder: Responder
  readonly now: () => number
  readonly upstreamOf: (master: Master) => Upstream
  /** Charges and frees a request at a master on the board. */
  readonly begin: (master: Master) => void
  readonly end: (master: Master) => void
  readonly report: (outcome: Outcome) => void
  readonly waitingRoom: WaitingRoom
  /** Whether a master could take one more request now. */
  readonly hasRoom: (master: Master) => boolean
  readonly budget: RetryBudget
  readonly history: RequestHistory
}

/** Brings one request to one master after the other until one answers, and streams that answer. */
export function dispatch(delivery: Delivery, deps: DispatchDeps): void {
  const { exchange, identity, rule, slot } = delivery
  const { request, response } = exchange
  const { now, metrics, history } = deps
  const body = hasBody(request)
    ? new RequestBody(request, KEEP_BODY_BYTES, bytes => {
        exchange.bytesIn += bytes
      })
    : undefined
  const tried: number[] = []
  let attempt: Attempt | undefined
  /** The JRuby this request has, or its place among those who wait for one. */
  let hold: Hold | undefined
  /** When it asked for its first JRuby. */
  let askedFirstMs: number | undefined
  let repeats = 0
  let isAgentGone = false

  const refuse = (code: ReasonCode, cause?: Error) =>
    deps.responder.refuse(exchange, new ProxyError(code, undefined, cause && { cause }))

  /** Why nobody is left to try: a fault of our own is told for what it is. */
  const nobodyCode = (after: string | undefined): ReasonCode =>
    after === 'own-fault' ? 'no-connection' : delivery.nobody

  /** `after`: what ended the attempt before. */
  function proceed(after?: string): void {
    if (slot) {
      waitForSlot(slot, after)
      return
    }
    const eligible = delivery.eligible(tried)
    history.note(exchange.record, rule, eligible?.pinned)
    const master = eligible && (eligible.pinned ?? delivery.pick(eligible.candidates))
    if (master) send(master, after)
    else refuse(nobodyCode(after))
  }

  function waitForSlot(need: SlotNeed, after: string | undefined): void {
    const eligible = delivery.eligible(tried)
    history.note(exchange.record, rule, eligible?.pinned)
    if (!eligible) {
      refuse(nobodyCode(after))
      return
    }
    const askedAtMs = now()
    askedFirstMs ??= askedAtMs
    exchange.record.waitsSinceMs = askedAtMs
    let isSettled = false
    const place = deps.waitingRoom.ask({
      rank: need.rank,
      sinceMs: askedFirstMs,
      waitedMs: exchange.queueMs,
      limit: need.limit,
      timeoutMs: need.timeoutMs,
      // An agent whose body is not read to its end could have left without a sign.
      mayWaitOn: () => !need.comesBack && request.complete,
      eligible,
      eligibleAnew: () => delivery.eligible(tried),
      pick: delivery.pick,
      settle(result, granted) {
        isSettled = true
        try {
          hold = granted
          endWait()
          if (typeof result === 'string') {
            refuse(result === 'no-master' ? nobodyCode(after) : result)
            return
          }
          need.chosen(result)
          send(result, after)
        } catch (error) {
          onDefect(error)
        }
      }
    })
    // By now it may even have failed there and wait anew.
    if (isSettled) return
    hold = place
    body?.readAhead()
  }

  /** However a wait ends, it counts: with a slot, sent away, or given up by the agent. */
  function endWait(): void {
    const { record } = exchange
    if (record.waitsSinceMs === undefined) return
    const waitedMs = now() - record.waitsSinceMs
    record.waitsSinceMs = undefined
    exchange.queueMs += waitedMs
    metrics.queueDuration.observe({ class: exchange.class }, waitedMs / 1000)
  }

  function send(master: Master, after: string | undefined): void {
    if (after) metrics.retries.inc({ reason: after })
    tried.push(master.id)
    attempt = new Attempt(master, now(), listener)
    exchange.attempts++
    exchange.master = master.name
    beginTurn(exchange.record, master, attempt.sinceMs)
    deps.begin(master)
    attempt.send(deps.upstreamOf(master), exchange, identity, body)
  }

  const listener: AttemptListener = {
    head(status, message, headers) {
      if (status === 503 && headers['retry-after'] !== undefined && mayTryAnother()) return false
      // Puppet Server takes its JRuby back before it sends the head of what the JRuby has made.
      hold?.release(status < 500)
      writeHead(status, message, headers)
      return true
    },
    data(chunk, controller) {
      exchange.bytesOut += chunk.length
      pour(response, chunk, controller)
    },
    complete() {
      endAttempt('complete')
      deps.budget.earn()
      response.end()
      if (body) deps.responder.dropRest(request)
    },
    ended: goOn,
    defect: onDefect
  }

  /** What it held goes to others, and its agent is told; nobody else's request is to suffer from it. */
  function onDefect(error: unknown): void {
    endAttempt('internal')
    endWait()
    hold?.release()
    deps.responder.fail(exchange, error)
  }

  function writeHead(status: number, message: string | undefined, headers: AnswerHeaders): void {
    response.writeHead(status, reasonPhrase(message), responseHeaders(headers, status))
  }

  /** Whether a request that a master declined, busy but not broken, can go to one that has room now. */
  function mayTryAnother(): boolean {
    if (!slot || rule === 'content' || !(body?.isKept ?? true) || !request.complete) return false
    const others = delivery.eligible(tried)
    return (others?.candidates.some(deps.hasRoom) ?? false) && deps.budget.take()
  }

  /** An attempt brought no answer: to the next master, or an answer of our own. */
  function goOn({ why, failure, error, sent, answered }: Ending): void {
    // A body that broke off is news of the agent as well, and may come before the response hears of it.
    const isCut = isAgentGone || isCutShort(request)
    const master = endAttempt(why === 'declined' ? 'master-busy' : isCut ? 'agent-gone' : why)
    if (why === 'declined') {
      if (!isAgentGone) proceed('master-busy')
      return
    }
    const { reason: result, cause } = failure
    if ((result === 'connect-failed' || result === 'own-fault') && master && !isCutShort(request)) {
      deps.report({ masterId: master.id, result, cause })
    }
    if (isCut) return
    const { repeatable } = delivery
    const bodyKept = body?.isKept ?? true
    const mayTry =
      failure.worthAnother &&
      mayTryNext({ sent, answered, repeatable, bodyKept, repeats }) &&
      (!sent || deps.budget.take())
    if (!mayTry) {
      refuse(failure.code, error)
      return
    }
    if (sent) repeats++
    proceed(failure.reason)
  }

  /** Closes the books on an attempt, once. */
  function endAttempt(why: string): Master | undefined {
    if (!attempt) return undefined
    const { master, sinceMs, isSent } = attempt
    attempt = undefined
    hold?.release()
    hold = undefined
    const upstreamMs = now() - sinceMs
    if (!isAgentGone) exchange.upstreamMs += upstreamMs
    deps.end(master)
    endTurn(exchange.record.turns.at(-1), why, upstreamMs)
    if (isSent)
      metrics.upstreamDuration.observe({ class: exchange.class, master: master.name }, upstreamMs / 1000)
    return master
  }

  function giveUp(): void {
    if (response.writableFinished || isAgentGone) return
    isAgentGone = true
    endWait()
    if (!attempt) {
      hold?.release()
      return
    }
    const open = attempt
    open.leave()
    // Before we have the whole request, and once a master answers, cutting it off frees it. In between it may compile,
    // and goes on whether we listen or not (DESIGN 4.10): it stays charged with it meanwhile.
    if (open.isAnswered || !request.complete) open.abort()
    else hold?.leave(() => open.abort())
    exchange.upstreamMs += now() - open.sinceMs
  }

  // Before the books on the exchange are closed: they are to tell how long the master had it.
  response.prependOnceListener('close', giveUp)
  exchange.breakOff = giveUp
  try {
    proceed()
  } catch (error) {
    onDefect(error)
  }
}

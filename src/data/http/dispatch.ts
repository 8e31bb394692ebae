import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import { beginTurn, endTurn } from '../request-record.ts'
import { type AnswerHeaders, Attempt, type AttemptListener, type Ending } from './attempt.ts'
import { attemptAll } from './attempt-all.ts'
import { pour } from './back-pressure.ts'
import { hasBody, isCutShort } from './body.ts'
import { causeDetail } from './cause-detail.ts'
import { type NotRun, notRunOf, withoutRetryAfter } from './declining.ts'
import type { Delivery, DispatchDeps } from './delivery.ts'
import { reasonPhrase, responseHeaders } from './headers.ts'
import { createIntake } from './intake.ts'
import { type Departures, fateOf, leaveBehind, type UnderWay } from './moving-on.ts'
import { createNextMaster } from './next-master.ts'
import { createOutcomes } from './outcome.ts'
import { mayTryNext } from './retry.ts'
import type { Hold } from './slot-request.ts'

/** Brings one request to one master after the other until one answers, and streams that answer. */
export function dispatch(delivery: Delivery, deps: DispatchDeps): void {
  const { exchange, identity, rule, slot } = delivery
  const { request, response } = exchange
  const { now, metrics, schedule } = deps
  const isForCa = rule === 'ca'
  const queue = () => delivery.queue?.() ?? 0
  const outage = () => (isForCa ? deps.outages.ca : deps.outages.masters(queue()))
  const budget = () => deps.budgetOf(queue())
  const next = createNextMaster(delivery, outage, deps, { found: send, refuse, fail: onDefect })
  const intake = hasBody(request)
    ? createIntake(delivery, deps, next.queueing, {
        inHand: () => guard(begin),
        tooSlow: () => guard(giveUpBody),
        fail: onDefect
      })
    : undefined
  const outcomes = createOutcomes(slot, deps.addResult, deps.addCompileMs)
  let attempt: Attempt | undefined
  /** The JRuby this request has. */
  let hold: Hold | undefined
  let repeats = 0
  let moves = 0
  let cancelLate = () => {}
  /** What ended the last attempt that failed: a clause about its master. */
  let lastCause: string | undefined
  let isAgentGone = false
  /** Why the master that is asked now has not run it, as it says. */
  let notRun: NotRun | undefined
  /** The agent has ended its side: it may read its answer yet, but nearly always it has left. */
  const hasEndedSide = () => request.socket.readableEnded
  const isBodyKept = () => intake?.body.isKept ?? true

  function refuse(code: ReasonCode, cause?: Error): void {
    if (delivery.copy?.standsIn(code)) return
    const detail = causeDetail(code, lastCause, deps.snapshot(), isForCa, delivery.pool?.())
    deps.responder.refuse(exchange, new ProxyError(code, detail, cause && { cause }))
  }

  /** As much of its body is in hand as is to be. */
  function begin(): void {
    const refusal = intake && delivery.bodyInHand?.(intake.body)
    if (refusal) deps.responder.refuse(exchange, refusal)
    else next.find()
  }

  /** A defect fails this one request and nobody else's. */
  function guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      onDefect(error)
    }
  }

  function send(master: Master, granted: Hold | undefined, after: string | undefined): void {
    if (after) metrics.retries.inc({ reason: after })
    hold = granted
    notRun = undefined
    attempt = new Attempt(master, now(), deps.sighted(listener, exchange, master), deps.news)
    exchange.attempts++
    exchange.master = master.name
    beginTurn(exchange.record, master, attempt.sinceMs)
    deps.begin(master)
    deps.underWay.add(self)
    cancelLate = delivery.copy?.awaitAnswer(() => guard(giveUpLate)) ?? cancelLate
    attempt.send(deps.upstreamOf(master), exchange, identity, intake?.body)
  }

  /** Its master works on, and its answer is passed on should it come. But nobody is made to wait for it. */
  function onSideEnded(): void {
    guard(() => {
      const open = attempt
      if (open && !open.isAnswered) hold?.leave(() => open.abort())
    })
  }

  const self: UnderWay = { moveOn: from => guard(() => moveOn(from)), place: -1 }

  const listener: AttemptListener = {
    head(status, message, headers) {
      if (status >= 500 && delivery.copy?.isThere()) {
        notRun = 'master-unavailable'
        return false
      }
      const isFailed =
        attempt !== undefined && outcomes.answered(attempt.master, status, headers, now() - attempt.sinceMs)
      if (isFailed) onCatalogFailed(attempt as Attempt)
      notRun = notRunOf(status, headers)
      if (notRun && isDeclined(notRun)) return false
      if (!notRun) outage().over()
      // Puppet Server takes its JRuby back before it sends the head of what the JRuby has made.
      hold?.release(status < 500 && !isFailed)
      intake?.body.stopKeeping()
      writeHead(status, message, headers)
      return true
    },
    data(chunk, controller) {
      exchange.bytesOut += chunk.length
      pour(response, chunk, controller, schedule, cutUnread)
    },
    complete() {
      endAttempt('complete')
      budget().earn()
      delivery.copy?.given(response.statusCode)
      response.end()
      if (intake) deps.responder.dropRest(request)
    },
    ended: goOn,
    defect: onDefect
  }

  function onCatalogFailed({ master }: Attempt): void {
    hold?.fail()
    slot?.failed(master)
  }

  /** What it held goes to others, and its agent is told; nobody else's request is to suffer from it. */
  function onDefect(error: unknown): void {
    const defects = [error, ...attemptAll([() => endAttempt('internal'), next.stop, () => hold?.release()])]
    deps.responder.fail(exchange, defects.length > 1 ? new AggregateError(defects, 'several defects') : error)
  }

  function writeHead(status: number, message: string | undefined, headers: AnswerHeaders): void {
    const isLater = headers['retry-after'] !== undefined && (status === 503 || status === 429)
    exchange.isSentAway = isLater && delivery.comesBack()
    const told = isLater && !exchange.isSentAway ? withoutRetryAfter(headers) : headers
    response.writeHead(status, reasonPhrase(message), responseHeaders(told, status))
  }

  /** An agent that reads nothing of its answer keeps a connection of its master. */
  function cutUnread(): void {
    exchange.end = 'unread'
    response.destroy()
  }

  /** Breaks off what is at a master, for a reason of ours. */
  function giveUpWith(why: ReasonCode): void {
    const open = attempt
    endAttempt(why)
    // It may only be connecting, and is broken off then as soon as it stands.
    open?.leave()
    open?.abort()
    refuse(why)
  }

  /** The CA has not begun to answer, and there is a copy of what it would say. */
  function giveUpLate(): void {
    if (attempt && !attempt.isAnswered && !isAgentGone) giveUpWith('master-timeout')
  }

  /** The body comes too slowly: whatever waits for it is free for others. */
  function giveUpBody(): void {
    if (!response.headersSent) response.setHeader('connection', 'close')
    giveUpWith('request-timeout')
  }

  /**
   * Whether a request that its master has not run is kept from its agent: another master may have it, or it waits. The
   * CA's word is always passed on, and what says nothing of coming back only of what may be run twice: it may be another
   * program's, which knows no better.
   */
  function isDeclined(why: NotRun): boolean {
    if (!delivery.waits || isForCa || !request.complete || !isBodyKept()) return false
    if (why === 'master-unavailable') return delivery.repeatable
    const mayMove = rule !== 'content' && slot?.isNeeded && next.isRoomElsewhere()
    return (mayMove && budget().take()) || next.isPatient()
  }

  /** An attempt brought no answer: to the next master, or an answer of our own. */
  function goOn({ why, failure, error, sent, answered }: Ending): void {
    // It was given up from here, and its request has its answer.
    if (!attempt) return
    // A body that broke off is news of the agent as well, and may come before the response hears of it.
    const isCut = isAgentGone || isCutShort(request) || hasEndedSide()
    if (!isCut && why !== 'declined' && outcomes.unanswered(attempt.master, failure.reason))
      onCatalogFailed(attempt)
    const master = endAttempt(why === 'declined' ? (notRun as NotRun) : isCut ? 'agent-gone' : why)
    if (why === 'declined') {
      if (isAgentGone) return
      // Content is with one master: no other is asked for it, but this one again.
      if (rule === 'content') next.awaitAnew(notRun)
      else next.find(notRun)
      return
    }
    const { reason: result, text: cause } = failure
    lastCause = cause
    if ((result === 'connect-failed' || result === 'own-fault') && master && !isCutShort(request)) {
      deps.report({ masterId: master.id, result, cause })
    }
    if (isCut) {
      // Unless it broke its own framing and is being told so.
      if (exchange.end === undefined) response.destroy()
      return
    }
    const repeatable = delivery.repeatable || failure.isUnread
    // Whoever says what is no HTTP will say it again.
    const isForOthersOnly = failure.reason === 'master-answer'
    const mayTry =
      failure.worthAnother &&
      (!isForOthersOnly || next.isAnybodyElse()) &&
      mayTryNext({ sent, answered, repeatable, bodyKept: isBodyKept(), repeats }) &&
      (!sent || budget().take())
    if (mayTry) {
      if (sent) repeats++
      next.find(failure.reason)
    } else refuse(failure.code, error)
  }

  /**
   * Its master has fallen silent: what may be repeated goes to another one, and a report is over for its agent. One that is
   * in maintenance gets nothing more and is waited for by nobody: there the rest is told.
   */
  function moveOn({ silent, abandoned }: Departures): void {
    const left = attempt
    if (!left) return
    const isAbandoned = abandoned.includes(left.master.id)
    if (!isAbandoned && (isAgentGone || !silent.includes(left.master.id))) return
    const fate = fateOf({
      ...{ attempt: left, body: intake?.body, isAbandoned, moves, isAnybodyElse: next.isAnybodyElse },
      ...{ isReport: exchange.class === 'report', isRepeatable: delivery.repeatable },
      isComplete: request.complete
    })
    if (isAgentGone) left.abort()
    if (isAgentGone || fate === 'stays') return
    moves++
    const slotThere = hold
    if (!isAbandoned) hold = undefined
    lastCause = deps.news.causeOf(left.master)
    endAttempt('master-silent')
    if (isAbandoned) left.drop()
    else leaveBehind({ attempt: left, hold: slotThere, intake, isLast: fate === 'ends' }, deps)
    if (fate === 'moves') next.find('master-silent')
    else refuse('master-timeout')
  }

  /** Closes the books on an attempt, once. */
  function endAttempt(why: string): Master | undefined {
    if (!attempt) return undefined
    const { master, sinceMs, isSent } = attempt
    attempt = undefined
    cancelLate()
    hold?.release()
    hold = undefined
    const upstreamMs = now() - sinceMs
    if (!isAgentGone) exchange.upstreamMs += upstreamMs
    deps.end(master)
    deps.underWay.delete(self)
    if (isAgentGone) intake?.end()
    endTurn(exchange.record.turns.at(-1), why, upstreamMs)
    if (isSent)
      metrics.upstreamDuration.observe({ class: exchange.class, master: master.name }, upstreamMs / 1000)
    return master
  }

  function onAgentGone(): void {
    if (isAgentGone) return
    isAgentGone = true
    next.stop()
    if (!attempt) return
    const open = attempt
    open.leave()
    // Before we have the whole request, and once a master answers, cutting it off frees it. In between it may compile,
    // and goes on whether we listen or not (DESIGN 4.10): it stays charged with it meanwhile.
    if (open.isAnswered || !request.complete) open.abort()
    else hold?.leave(() => open.abort())
    exchange.upstreamMs += now() - open.sinceMs
  }

  /** Its agent has left, or never says the rest of it. */
  function breakOff(): void {
    guard(() => {
      if (!response.writableFinished) onAgentGone()
      // What its master has not taken yet of a whole request may go out all the same.
      if (!attempt) intake?.end()
    })
  }

  exchange.breakOff = breakOff
  exchange.sideEnded = onSideEnded
  guard(() => (intake ? intake.begin() : next.find()))
}

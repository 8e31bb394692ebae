import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import { beginTurn, endTurn } from '../request-record.ts'
import { type AnswerHeaders, Attempt, type AttemptListener, type Ending } from './attempt.ts'
import { pour, watchEnd } from './back-pressure.ts'
import { hasBody, isCutShort } from './body.ts'
import type { Delivery, DispatchDeps } from './delivery.ts'
import { reasonPhrase, responseHeaders } from './headers.ts'
import { createIntake } from './intake.ts'
import { createQueueing } from './queueing.ts'
import { mayTryNext } from './retry.ts'
import type { Hold } from './slot-request.ts'

/** Brings one request to one master after the other until one answers, and streams that answer. */
export function dispatch(delivery: Delivery, deps: DispatchDeps): void {
  const { exchange, identity, rule, slot } = delivery
  const { request, response } = exchange
  const { now, metrics, history, schedule } = deps
  const queueing = slot && createQueueing(delivery, slot, deps, { refuse, fail: onDefect })
  const intake = hasBody(request)
    ? createIntake(delivery, deps, queueing, {
        inHand: () => guard(proceed),
        tooSlow: () => guard(giveUpBody)
      })
    : undefined
  const tried: number[] = []
  let attempt: Attempt | undefined
  /** The JRuby this request has. */
  let hold: Hold | undefined
  let repeats = 0
  let isAgentGone = false
  /** The agent has ended its side: it may read its answer yet, but nearly always it has left. */
  const hasEndedSide = () => request.socket.readableEnded

  function refuse(code: ReasonCode, cause?: Error): void {
    deps.responder.refuse(exchange, new ProxyError(code, undefined, cause && { cause }))
  }

  /** A defect fails this one request and nobody else's. */
  function guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      onDefect(error)
    }
  }

  /** Why nobody is left to try: a fault of our own is told for what it is. */
  const nobodyCode = (after: string | undefined): ReasonCode =>
    after === 'own-fault' ? 'no-connection' : delivery.nobody

  /** `after`: what ended the attempt before. */
  function proceed(after?: string): void {
    const eligible = delivery.eligible(tried)
    history.note(exchange.record, rule, eligible?.pinned)
    if (!eligible) refuse(nobodyCode(after))
    else if (slot && queueing) {
      const eligibleAnew = () => delivery.eligible(tried)
      queueing.ask({ eligible, eligibleAnew, pick: delivery.pick }, nobodyCode(after), (master, granted) => {
        hold = granted
        slot.chosen(master)
        send(master, after)
      })
    } else {
      const master = eligible.pinned ?? delivery.pick(eligible.candidates)
      if (master) send(master, after)
      else refuse(nobodyCode(after))
    }
  }

  function send(master: Master, after: string | undefined): void {
    if (after) metrics.retries.inc({ reason: after })
    tried.push(master.id)
    attempt = new Attempt(master, now(), listener)
    exchange.attempts++
    exchange.master = master.name
    beginTurn(exchange.record, master, attempt.sinceMs)
    deps.begin(master)
    attempt.send(deps.upstreamOf(master), exchange, identity, intake?.body)
    request.socket.once('end', onSideEnded)
  }

  /** Its master works on, and its answer is passed on should it come. But nobody is made to wait for it. */
  function onSideEnded(): void {
    guard(() => {
      const open = attempt
      if (open && !open.isAnswered) hold?.leave(() => open.abort())
    })
  }

  const listener: AttemptListener = {
    head(status, message, headers) {
      if (status === 503 && headers['retry-after'] !== undefined && mayTryAnother()) return false
      // Puppet Server takes its JRuby back before it sends the head of what the JRuby has made.
      hold?.release(status < 500)
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
      deps.budget.earn()
      response.end()
      watchEnd(response, schedule, cutUnread)
      if (intake) deps.responder.dropRest(request)
    },
    ended: goOn,
    defect: onDefect
  }

  /** What it held goes to others, and its agent is told; nobody else's request is to suffer from it. */
  function onDefect(error: unknown): void {
    endAttempt('internal')
    queueing?.leave()
    hold?.release()
    deps.responder.fail(exchange, error)
  }

  function writeHead(status: number, message: string | undefined, headers: AnswerHeaders): void {
    response.writeHead(status, reasonPhrase(message), responseHeaders(headers, status))
  }

  /** An agent that reads nothing of its answer keeps a connection of its master. */
  function cutUnread(): void {
    exchange.end = 'unread'
    response.destroy()
  }

  /** The body comes too slowly: whatever waits for it is free for others. */
  function giveUpBody(): void {
    const open = attempt
    endAttempt('request-timeout')
    // It may only be connecting, and is broken off then as soon as it stands.
    open?.leave()
    open?.abort()
    if (!response.headersSent) response.setHeader('connection', 'close')
    refuse('request-timeout')
  }

  /** Whether a request that a master declined, busy but not broken, can go to one that has room now. */
  function mayTryAnother(): boolean {
    if (!slot || rule === 'content' || !(intake?.body.isKept ?? true) || !request.complete) return false
    const others = delivery.eligible(tried)
    return (others?.candidates.some(deps.hasRoom) ?? false) && deps.budget.take()
  }

  /** An attempt brought no answer: to the next master, or an answer of our own. */
  function goOn({ why, failure, error, sent, answered }: Ending): void {
    // It was given up from here, and its request has its answer.
    if (!attempt) return
    // A body that broke off is news of the agent as well, and may come before the response hears of it.
    const isCut = isAgentGone || isCutShort(request) || hasEndedSide()
    const master = endAttempt(why === 'declined' ? 'master-busy' : isCut ? 'agent-gone' : why)
    if (why === 'declined') {
      if (!isAgentGone) proceed('master-busy')
      return
    }
    const { reason: result, cause } = failure
    if ((result === 'connect-failed' || result === 'own-fault') && master && !isCutShort(request)) {
      deps.report({ masterId: master.id, result, cause })
    }
    if (isCut) {
      // Unless it broke its own framing and is being told so.
      if (exchange.end === undefined) response.destroy()
      return
    }
    const { repeatable } = delivery
    const bodyKept = intake?.body.isKept ?? true
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
    request.socket.removeListener('end', onSideEnded)
    const upstreamMs = now() - sinceMs
    if (!isAgentGone) exchange.upstreamMs += upstreamMs
    deps.end(master)
    if (isAgentGone) intake?.end()
    endTurn(exchange.record.turns.at(-1), why, upstreamMs)
    if (isSent)
      metrics.upstreamDuration.observe({ class: exchange.class, master: master.name }, upstreamMs / 1000)
    return master
  }

  function onAgentGone(): void {
    if (isAgentGone) return
    isAgentGone = true
    queueing?.leave()
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
    if (!response.writableFinished) onAgentGone()
    // What its master has not taken yet of a whole request may go out all the same.
    if (!attempt) intake?.end()
  }

  // Before the books on the exchange are closed: they are to tell how long the master had it.
  response.prependOnceListener('close', () => guard(breakOff))
  exchange.breakOff = () => guard(breakOff)
  guard(() => (intake ? intake.begin() : proceed()))
}

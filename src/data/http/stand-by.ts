import type { Delivery, DispatchDeps } from './delivery.ts'
import type { Outage } from './outage.ts'
import { pauseMs } from './retry-pace.ts'

/**
 * What a request does when nobody is left to ask: it waits for a master, or the CA, that comes back, and asks those that
 * failed it anew after a pause. For agents that would not come back themselves, or not often enough.
 */
export interface StandBy {
  /**
   * Begins a round of it. `after`: what ended the attempt before, if there was one; then there is a pause, after which
   * `resume` is called. False: it does not stand by, or has done so for long enough.
   */
  readonly begin: (after: string | undefined, resume: () => void) => boolean
  /** Nobody is to be asked now. */
  readonly isPaused: () => boolean
  /** Whether it waits rather than be sent away. */
  readonly isPatient: boolean
  /** Until when, if it begins to stand by now or has begun. */
  readonly untilMs: () => number
  readonly end: () => void
}

type Deps = Pick<DispatchDeps, 'now' | 'schedule' | 'random' | 'budgetOf'>

/** `fail` is told of a defect of ours that shows when a pause is over. */
export function createStandBy(
  {
    exchange,
    waits,
    outlasts,
    patience,
    queue
  }: Pick<Delivery, 'exchange' | 'waits' | 'outlasts' | 'patience' | 'queue'>,
  outage: Outage,
  { now, schedule, random, budgetOf }: Deps,
  fail: (defect: unknown) => void
): StandBy {
  const isPatient = waits && !outlasts()
  let endMs: number | undefined
  let rounds = 0
  let cancelPause: (() => void) | undefined

  function untilMs(): number {
    const { awayMs, longestMs } = patience()
    endMs ??= Math.min(now() + awayMs, exchange.startedAtMs + longestMs)
    return endMs
  }

  /** What a master had and declined is paid for like any repeat; what reached nobody costs nobody anything. */
  function pause(after: string, resume: () => void): void {
    cancelPause = schedule(pauseMs(after, rounds, random()), () => {
      try {
        endPause(after, resume)
      } catch (error) {
        fail(error)
      }
    })
  }

  function endPause(after: string, resume: () => void): void {
    const isFree = after !== 'master-busy' && after !== 'master-unavailable'
    if (isFree || budgetOf(queue?.() ?? 0).take()) {
      cancelPause = undefined
      resume()
    } else pause(after, resume)
  }

  return {
    isPatient,
    isPaused: () => cancelPause !== undefined,
    untilMs,
    begin(after, resume) {
      if (!isPatient) return false
      outage.seen()
      if (outage.isLong() || now() >= untilMs()) return false
      if (after !== undefined) {
        pause(after, resume)
        rounds++
      }
      return true
    },
    end() {
      cancelPause?.()
      cancelPause = undefined
    }
  }
}

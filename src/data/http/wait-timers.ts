import type { Runtime } from '../../model/runtime.ts'
import type { NoSlot, WaitLimits } from './slot-request.ts'

/** Ends one wait in time. */
export interface WaitTimers {
  /** Whether nobody may have the request now. */
  readonly setAway: (isAway: boolean) => void
  /** What it waits for in vain by now. */
  readonly reason: () => NoSlot
  readonly cancel: () => void
}

/**
 * `giveUp` is called once, if ever, with what the request has waited for in vain; `fail` in its place when a defect of
 * ours came between.
 */
export function startWaitTimers(
  { untilMs, mayWaitOn, latestMs, awayUntilMs }: WaitLimits,
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>,
  giveUp: (why: NoSlot) => void,
  fail: (defect: unknown) => void
): WaitTimers {
  const at = (atMs: number, task: () => void) =>
    schedule(Math.max(0, atMs - now()), () => {
      try {
        task()
      } catch (error) {
        fail(error)
      }
    })
  let cancelAway: (() => void) | undefined
  const reason = () => (cancelAway ? 'no-master' : 'queue-timeout')
  const end = () => giveUp(reason())
  let cancelEnd = at(Math.min(untilMs, latestMs), () => {
    const endMs = mayWaitOn() ? latestMs : untilMs
    if (endMs > now()) cancelEnd = at(endMs, end)
    else end()
  })
  return {
    setAway(isAway) {
      if (isAway && awayUntilMs) cancelAway ??= at(awayUntilMs(), end)
      else {
        cancelAway?.()
        cancelAway = undefined
      }
    },
    reason,
    cancel() {
      cancelEnd()
      cancelAway?.()
    }
  }
}

import type { Runtime } from '../model/runtime.ts'

/** So much goes at once, in characters; less waits for company, since a write a line would be a tenth of a request. */
const BATCH_LENGTH = 16 * 1024
/** But no longer than this: nobody reads a log within a quarter of a second. */
const BATCH_MS = 250
/** When a thread or the process ends, how long a log that is not taken is waited for. */
const FLUSH_MS = 1_000

/** When the lines of a queue go: in batches, and before an end. */
export interface LogPace {
  /** Lines wait: lets them go now or soon. */
  readonly lineUp: () => void
  /** Calls back once nothing waits, or after a second. */
  readonly flush: (done: () => void) => void
  /** To be called when something has gone. */
  readonly look: () => void
}

export function createLogPace(options: {
  readonly schedule: Runtime['schedule']
  /** Characters that wait. */
  readonly length: () => number
  /** True when nothing waits and nothing is under way. */
  readonly isIdle: () => boolean
  /** Lets go what waits, unless something is under way. */
  readonly go: () => void
}): LogPace {
  const { schedule, length, isIdle, go } = options
  const waiting = new Set<() => void>()
  let isScheduled = false

  return {
    lineUp() {
      if (length() >= BATCH_LENGTH || waiting.size > 0) return go()
      if (isScheduled || length() === 0) return
      isScheduled = true
      schedule(BATCH_MS, () => {
        isScheduled = false
        go()
      })
    },
    flush(done) {
      go()
      if (isIdle()) return done()
      const end = () => {
        cancel()
        waiting.delete(end)
        done()
      }
      const cancel = schedule(FLUSH_MS, end)
      waiting.add(end)
    },
    look() {
      if (isIdle()) for (const end of waiting) end()
    }
  }
}

/** Repeats allowed for each request served: one in five. */
const SHARE = 0.2
/** Repeats that are always there after a quiet time: with few, long requests a share alone rounds to none. */
const FLOOR = 10
/** Until the floor is full again. */
const REFILL_MS = 10_000
/** What can be saved up at most. */
const CEILING = 100

/** Bounds how much work repeats add: when everything fails, repeating everything makes it worse. */
export interface RetryBudget {
  /** A request was served, which pays for a share of a repeat. */
  readonly earn: () => void
  /** Pays for one repeat; false when there is nothing left. */
  readonly take: () => boolean
}

export function createRetryBudget(now: () => number): RetryBudget {
  let tokens = FLOOR
  let atMs = now()

  function refill(): void {
    const nowMs = now()
    if (tokens < FLOOR) tokens = Math.min(FLOOR, tokens + ((nowMs - atMs) / REFILL_MS) * FLOOR)
    atMs = nowMs
  }

  return {
    earn() {
      refill()
      tokens = Math.min(CEILING, tokens + SHARE)
    },
    take() {
      refill()
      if (tokens < 1) return false
      tokens--
      return true
    }
  }
}

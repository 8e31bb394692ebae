/** Up to a tenth is added by chance, so that balancers do not all come back at once. */
const JITTER = 0.1
/** Who did well for so many times its last ejection was out by accident. */
const WELL_TIMES = 10

/** How long an ejection lasts, and what makes up for one. */
export interface EjectionTimes {
  readonly baseMs: number
  /** Each ejection lasts twice as long as the one before, up to this. */
  readonly maxMs: number
  /** So many successes halve the next ejection. */
  readonly successes: number
  /**
   * After this time without an ejection the next one is the shortest again, with a success even sooner. Infinity: only
   * successes count, since it takes a while to see that a master has not become better.
   */
  readonly forgetAfterMs: number
}

/** For connects that failed. */
export const afterConnects: EjectionTimes = Object.freeze({
  baseMs: 1_000,
  maxMs: 60_000,
  successes: 20,
  forgetAfterMs: 60_000
})

/** For masters that fail what others do well; Envoy's times. */
export const afterResults: EjectionTimes = Object.freeze({
  baseMs: 30_000,
  maxMs: 300_000,
  successes: 10,
  forgetAfterMs: Number.POSITIVE_INFINITY
})

/**
 * How long one master stays out. `successes`: how often it has done well until now; only differences count, and it may
 * wrap around at 32 bits.
 */
export interface Ejection {
  /**
   * Something went wrong once. Returns for how long to eject; `undefined` when the master is out already, or has done
   * well often enough since the last fault to be forgiven this one.
   */
  readonly fail: (nowMs: number, successes: number) => number | undefined
  /** The same without forgiving, for what is no accident. */
  readonly eject: (nowMs: number, successes: number) => number | undefined
  readonly isEjected: (nowMs: number) => boolean
  /** Forgets everything; for a master that probes have found up again. */
  readonly clear: () => void
}

export function createEjection(times: EjectionTimes, random: () => number): Ejection {
  let count = 0
  let lastMs = 0
  let endsAtMs = Number.NEGATIVE_INFINITY
  let successesBefore = 0

  /** Credits what went well; the result is how many ejections that makes up for. */
  function credit(nowMs: number, successes: number): number {
    const gained = (successes - successesBefore) | 0
    successesBefore = successes
    const wellMs = nowMs - endsAtMs
    const { forgetAfterMs } = times
    const isWell = wellMs > forgetAfterMs || (gained > 0 && wellMs > WELL_TIMES * lastMs)
    const steps = Math.floor(gained / times.successes)
    count = isWell && forgetAfterMs !== Number.POSITIVE_INFINITY ? 0 : Math.max(0, count - steps)
    return steps
  }

  function begin(nowMs: number): number {
    const durationMs = Math.min(times.baseMs * 2 ** count, times.maxMs) * (1 + JITTER * random())
    count++
    lastMs = durationMs
    endsAtMs = nowMs + durationMs
    return durationMs
  }

  return {
    fail(nowMs, successes) {
      if (nowMs < endsAtMs) return undefined
      return credit(nowMs, successes) > 0 ? undefined : begin(nowMs)
    },
    eject(nowMs, successes) {
      if (nowMs < endsAtMs) return undefined
      credit(nowMs, successes)
      return begin(nowMs)
    },
    isEjected: nowMs => nowMs < endsAtMs,
    clear() {
      count = 0
      endsAtMs = Number.NEGATIVE_INFINITY
    }
  }
}

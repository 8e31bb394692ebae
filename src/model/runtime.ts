/** The world outside pure logic: time, chance and timers. Tests pass a fake; this file alone knows the real ones. */
export interface Runtime {
  /** Milliseconds that only go forward, the same in every thread of the process; for durations. */
  readonly now: () => number
  /** Milliseconds since 1970; for dates in certificates and logs. */
  readonly wallClock: () => number
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number
  /**
   * Runs `task` once, when `now()` has moved by at least `delayMs`; the result cancels it. A pending timer does not
   * keep the process alive.
   */
  readonly schedule: (delayMs: number, task: () => void) => () => void
}

/** Differs from thread to thread, as `performance.now()` does; their sum does not. */
const timeOriginMs = performance.timeOrigin

export const systemRuntime: Runtime = Object.freeze({
  now: () => timeOriginMs + performance.now(),
  wallClock: () => Date.now(),
  random: () => Math.random(),
  schedule: (delayMs: number, task: () => void) => {
    // Node drops the fraction and counts from a rounded millisecond: it may come up to one too early.
    const timer = setTimeout(task, Math.ceil(delayMs) + 1)
    timer.unref()
    return () => clearTimeout(timer)
  }
})

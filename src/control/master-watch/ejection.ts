const BASE_MS = 1_000
const MAX_MS = 60_000
/** Up to a tenth is added by chance, so that balancers do not all come back at once. */
const JITTER = 0.1

/** How long one master stays out after connects to it failed: doubling from one second to one minute. */
export interface Ejection {
  /** A connect failed. Returns for how long to eject, or `undefined` when the master is out already. */
  readonly fail: (nowMs: number) => number | undefined
  readonly isEjected: (nowMs: number) => boolean
  /** Forgets everything; for a master that probes have found up again. */
  readonly clear: () => void
}

/** A master that went unejected for a whole minute starts again with the shortest ejection. */
export function createEjection(random: () => number): Ejection {
  let count = 0
  let endsAtMs = Number.NEGATIVE_INFINITY
  return {
    fail(nowMs) {
      if (nowMs < endsAtMs) return undefined
      if (nowMs - endsAtMs > MAX_MS) count = 0
      const durationMs = Math.min(BASE_MS * 2 ** count, MAX_MS) * (1 + JITTER * random())
      count++
      endsAtMs = nowMs + durationMs
      return durationMs
    },
    isEjected: nowMs => nowMs < endsAtMs,
    clear() {
      count = 0
      endsAtMs = Number.NEGATIVE_INFINITY
    }
  }
}

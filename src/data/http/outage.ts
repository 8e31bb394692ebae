/**
 * Who has been away for so long is not waited for any more: it is no restart, and a run whose every request waited would
 * not end within its hour (`runtimeout`).
 */
export const LONG_OUTAGE_MS = 900_000

/** Since when requests find nobody who can serve them, as this worker has seen it. */
export interface Outage {
  /** A request found nobody. */
  readonly seen: () => void
  /** One was served. */
  readonly over: () => void
  /** To be asked after `seen`. */
  readonly isLong: () => boolean
}

export function createOutage(now: () => number): Outage {
  let sinceMs: number | undefined
  let seenMs = 0
  return {
    seen() {
      const nowMs = now()
      // One of which nothing was seen for so long may have ended unseen.
      if (sinceMs === undefined || nowMs - seenMs > LONG_OUTAGE_MS) sinceMs = nowMs
      seenMs = nowMs
    },
    over() {
      sinceMs = undefined
    },
    isLong: () => sinceMs !== undefined && now() - sinceMs > LONG_OUTAGE_MS
  }
}

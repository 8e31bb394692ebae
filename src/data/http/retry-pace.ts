/** Whoever says it is busy is left alone for longer than one that may be back at any moment. */
const PACE = {
  usual: { firstMs: 500, longestMs: 8_000 },
  busy: { firstMs: 5_000, longestMs: 30_000 }
} as const
/** Up to this share is added or taken away, so that those who failed together do not try together. */
const JITTER = 0.2

/** Milliseconds until the masters are asked anew: twice as long after each round, counted from 0. `random`: 0 to 1. */
export function pauseMs(after: string, round: number, random: number): number {
  const { firstMs, longestMs } = after === 'master-busy' ? PACE.busy : PACE.usual
  return Math.min(longestMs, firstMs * 2 ** round) * (1 + JITTER * (2 * random - 1))
}

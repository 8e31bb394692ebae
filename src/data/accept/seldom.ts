/** What goes on is told again after this time. */
const TELL_AGAIN_MS = 10_000

/**
 * Counts what may happen thousands of times in a second, and calls `tell` with how often it was since the last time: at
 * once, and then every ten seconds at most. For each key by itself; keys must be few.
 */
export type Seldom<Key> = (key: Key, tell: (count: number) => void) => void

export function createSeldom<Key>(now: () => number): Seldom<Key> {
  const counts = new Map<Key, { count: number; toldAtMs: number }>()
  return (key, tell) => {
    const known = counts.get(key) ?? { count: 0, toldAtMs: Number.NEGATIVE_INFINITY }
    counts.set(key, known)
    known.count++
    if (now() - known.toldAtMs < TELL_AGAIN_MS) return
    tell(known.count)
    known.count = 0
    known.toldAtMs = now()
  }
}

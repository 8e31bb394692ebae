import type { ServedVersion } from './code-book.ts'

/** Whether masters serve the same code. */
export interface Agreement {
  /** Different versions that are served at the same time; 0 while none is known. */
  readonly versions: number
  /** When the second of two that are served side by side came; `undefined` while there is but one. */
  readonly differsSinceMs: number | undefined
}

/**
 * Compares what masters were seen to serve. Two versions differ only when both were seen after both had begun: what a
 * master served before a deploy says nothing about what it serves since. What is not known differs from nothing, and what
 * is not comparable neither. Pure.
 */
export function agreementOf<Served extends ServedVersion>(
  served: readonly Served[],
  isComparable: (one: Served, other: Served) => boolean
): Agreement {
  const known = served.filter(({ version }) => version !== null)
  const differing = new Set<string | null>()
  let differsSinceMs: number | undefined
  for (const [index, one] of known.entries()) {
    for (const other of known.slice(index + 1)) {
      if (one.version === other.version || !isSideBySide(one, other) || !isComparable(one, other)) continue
      differing.add(one.version).add(other.version)
      const sinceMs = Math.max(one.firstMs, other.firstMs)
      differsSinceMs = Math.min(differsSinceMs ?? sinceMs, sinceMs)
    }
  }
  return { versions: differing.size || Math.min(1, known.length), differsSinceMs }
}

function isSideBySide(one: ServedVersion, other: ServedVersion): boolean {
  return one.lastMs >= other.firstMs && other.lastMs >= one.firstMs
}

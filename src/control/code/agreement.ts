import type { ServedVersion } from './code-book.ts'

/** Whether masters serve the same code. */
export interface Agreement {
  /** Different versions that were seen side by side; 1 when there are none, 0 when no version is known. */
  readonly versions: number
  /** When the second of two that are served side by side came; `undefined` while there is but one. */
  readonly differsSinceMs: number | undefined
  /** The same number if whatever was seen last of a master still holds. */
  readonly lastKnown: number
}

/**
 * Compares what masters were seen to serve. Two versions are side by side only when both were seen after both had begun:
 * what a master served before a deploy says nothing about what it serves since. What is not known differs from nothing, and
 * what is not comparable neither. Pure.
 */
export function agreementOf<Served extends ServedVersion>(
  served: readonly Served[],
  isComparable: (one: Served, other: Served) => boolean
): Agreement {
  const known = served.filter(({ version }) => version !== null)
  const sideBySide = new Set<string | null>()
  const unlike = new Set<string | null>()
  let differsSinceMs: number | undefined
  for (const [index, one] of known.entries()) {
    for (const other of known.slice(index + 1)) {
      if (one.version === other.version || !isComparable(one, other)) continue
      unlike.add(one.version).add(other.version)
      if (!isSideBySide(one, other)) continue
      sideBySide.add(one.version).add(other.version)
      const sinceMs = Math.max(one.firstMs, other.firstMs)
      differsSinceMs = Math.min(differsSinceMs ?? sinceMs, sinceMs)
    }
  }
  const atLeast = Math.min(1, known.length)
  return { versions: sideBySide.size || atLeast, differsSinceMs, lastKnown: unlike.size || atLeast }
}

function isSideBySide(one: ServedVersion, other: ServedVersion): boolean {
  return one.lastMs >= other.firstMs && other.lastMs >= one.firstMs
}

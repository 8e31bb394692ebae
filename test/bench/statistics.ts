/** What several rounds say about one figure. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The middle value; of an even number of values, the mean of the two in the middle. Throws for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no values, no median')
  const sorted = values.toSorted((a, b) => a - b)
  const upper = Math.floor(sorted.length / 2)
  const lower = Math.floor((sorted.length - 1) / 2)
  return ((sorted[lower] as number) + (sorted[upper] as number)) / 2
}

/** Median, smallest and largest. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * Round by round, how many times `base` each value is. Only what was measured in the same round is compared, so a
 * machine that slows down for a while slows both sides. Throws when the rounds do not match.
 */
export function ratiosOf(values: readonly number[], base: readonly number[]): number[] {
  if (values.length !== base.length) throw new Error(`${values.length} rounds against ${base.length}`)
  return values.map((value, round) => value / (base[round] as number))
}

/** Who has the lowest median, the first of equals; nobody among none. */
export function lowestMedian<Name>(values: Iterable<readonly [Name, readonly number[]]>): Name | undefined {
  let lowest: { readonly name: Name; readonly value: number } | undefined
  for (const [name, each] of values) {
    const value = median(each)
    if (lowest === undefined || value < lowest.value) lowest = { name, value }
  }
  return lowest?.name
}

/** Such as `0.85 × [0.80–0.92]`; the range only where there is one. */
export function showRatio({ median, min, max }: Spread): string {
  const [middle, low, high] = [median, min, max].map(each => each.toFixed(2))
  return low === high ? `${middle} ×` : `${middle} × [${low}–${high}]`
}

/** The items in random order (Fisher and Yates); the input stays as it is. */
export function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const moved = shuffled[last] as Item
    shuffled[last] = shuffled[other] as Item
    shuffled[other] = moved
  }
  return shuffled
}

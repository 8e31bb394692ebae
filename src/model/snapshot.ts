import type { Master } from './master.ts'

/** Everything the data plane believes about the masters at one moment. Replaced whole, never edited. */
export interface Snapshot {
  readonly version: number
  readonly ca: Master
  /** False while its probes say that it is down. */
  readonly isCaUp: boolean
  /** Every compile master that sits on a seat, whatever its state and mode. */
  readonly masters: readonly Master[]
  /** Masters that may be given new runs, grouped by priority, best first; no group is empty. */
  readonly tiers: readonly (readonly Master[])[]
  /** Masters that take no new runs and end those that are pinned to them. */
  readonly finishing: readonly Master[]
  /** Masters of whom it is only a guess that they fail: they keep a pinned run if they have room at once. */
  readonly doubted: readonly Master[]
  /** Ids of masters from which no answer is to be hoped for: what may be repeated moves on. Left out: there are none. */
  readonly silent?: readonly number[]
  /** Why masters are not up, by id: a clause about each. Left out: nothing is known. */
  readonly causes?: ReadonlyMap<number, string>
}

/** Groups the masters that may take new runs into tiers by priority, ascending. */
export function tiersOf(masters: readonly Master[]): Snapshot['tiers'] {
  const byPriority = Map.groupBy(masters, master => master.priority)
  return Object.freeze(
    [...byPriority].sort(([a], [b]) => a - b).map(([, tier]) => Object.freeze(tier) as readonly Master[])
  )
}

import { type Master, takesNewRuns } from '../model/master.ts'
import { maskOf, type SeatMask } from '../model/seat-mask.ts'
import type { Snapshot } from '../model/snapshot.ts'

/** What a request knows of masters when it looks for one. */
export interface Wish {
  /** Id of the master its run is pinned to, or -1. */
  readonly pinned: number
  /** Ids of the masters that have failed it. */
  readonly tried: readonly number[]
}

/** Who may have a request. */
export interface Eligible {
  /** The master its run stays on: asked before the candidates. */
  readonly pinned: Master | undefined
  /** Equals, among whom a policy chooses; empty when only the pinned master will do. */
  readonly candidates: readonly Master[]
  /** The seats of all of them. */
  readonly mask: SeatMask
}

/** What a snapshot means to requests. Made once for each snapshot. */
export interface Eligibility {
  /** Who may have a request now; `undefined` when nobody is left to try. */
  readonly of: (wish: Wish) => Eligible | undefined
  /** The best tier, which new runs are given to; empty when no master can serve. */
  readonly tier: readonly Master[]
}

/**
 * A run stays on the master it is pinned to while that takes work at all. A master of whom it is only a guess that it
 * fails keeps a run if it has room at once; otherwise any of the best tier may have it. Masters that were tried are
 * out, and the next tier serves when all of one were. When all tiers were tried, doubted masters are the last resort,
 * those apart that take no new runs.
 */
export function createEligibility({ tiers, finishing, doubted }: Snapshot): Eligibility {
  const groups = tiers.map(groupOf)
  const lastResort = groupOf(doubted.filter(takesNewRuns))
  const binding = singlesOf([...tiers.flat(), ...finishing])
  const guesses = new Map(doubted.map(master => [master.id, master]))

  /** The first group that has somebody left. */
  function untried(tried: readonly number[]): Eligible | undefined {
    if (tried.length === 0) return groups[0] ?? (lastResort.candidates.length > 0 ? lastResort : undefined)
    for (const group of [...groups, lastResort]) {
      const left = group.candidates.filter(({ id }) => !tried.includes(id))
      if (left.length === group.candidates.length && left.length > 0) return group
      if (left.length > 0) return groupOf(left)
    }
    return undefined
  }

  return Object.freeze({
    tier: tiers[0] ?? [],
    of({ pinned, tried }: Wish) {
      if (pinned < 0 || tried.includes(pinned)) return untried(tried)
      const bound = binding.get(pinned)
      if (bound) return bound
      const rest = untried(tried)
      const guess = guesses.get(pinned)
      if (!guess || !rest || rest.candidates.includes(guess)) return rest
      return { ...rest, pinned: guess, mask: maskOf([guess, ...rest.candidates].map(({ seat }) => seat)) }
    }
  })
}

/** Only this master will do. */
export function only(master: Master): Eligible {
  return { pinned: master, candidates: [], mask: maskOf([master.seat]) }
}

function groupOf(candidates: readonly Master[]): Eligible {
  return { pinned: undefined, candidates, mask: maskOf(candidates.map(({ seat }) => seat)) }
}

function singlesOf(masters: readonly Master[]): ReadonlyMap<number, Eligible> {
  return new Map(masters.map(master => [master.id, only(master)]))
}

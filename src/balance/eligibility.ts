import { type Master, takesNewRuns } from '../model/master.ts'
import { isIn } from '../model/pool.ts'
import { maskOf, type SeatMask } from '../model/seat-mask.ts'
import { type PoolSnapshot, poolsIn, type Snapshot } from '../model/snapshot.ts'
import { type Goal, toDefault } from './routes.ts'

/** What a request knows of masters when it looks for one. */
export interface Wish {
  /** Id of the master its run is pinned to, or -1. */
  readonly pinned: number
  /** Ids of the masters that have failed it. */
  readonly tried: readonly number[]
  /** Whose masters it wants. Default: those of the default pool. */
  readonly goal?: Goal | undefined
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

/** A pool as requests find it. */
export interface PoolInForce {
  readonly name: string
  /** Where those who wait for it are counted. */
  readonly queue: number
  /** Its best tier, which new runs are given to; empty when none of its masters can serve. */
  readonly tier: readonly Master[]
}

/** What a snapshot means to requests. Made once for each snapshot. */
export interface Eligibility {
  /** Who may have a request now; `undefined` when nobody is left to try. */
  readonly of: (wish: Wish) => Eligible | undefined
  /** Whether there is a pool of this name. */
  readonly isPool: (name: string) => boolean
  /** The pool that serves a goal: the other one while no member of the first is up and one of the other is. */
  readonly poolFor: (goal: Goal) => PoolInForce
}

/**
 * A run stays on the master it is pinned to while that takes work at all. A master of whom it is only a guess that it
 * fails keeps a run if it has room at once; otherwise any of the best tier may have it. Masters that were tried are
 * out, and the next tier serves when all of one were. When all tiers were tried, doubted masters are the last resort,
 * those apart that take no new runs; and after them the other pool, where there is one.
 *
 * A run that began in the other pool ends there, although members of the first are back.
 */
export function createEligibility(snapshot: Snapshot): Eligibility {
  const pools = new Map(poolsIn(snapshot).map(pool => [pool.name, createPoolEligibility(pool, snapshot)]))
  const poolOf = (name: string) => pools.get(name) ?? nobody

  function inForce({ pool, otherwise }: Goal): PoolEligibility {
    const first = poolOf(pool)
    if (otherwise === undefined || first.isUp) return first
    const other = poolOf(otherwise)
    // Where nobody is up at all, masters of which there is some hope are asked in the usual order.
    return other.isUp || first.tier.length === 0 ? other : first
  }

  /** The pool that serves, and where there is one, the other. */
  function beside({ pool, otherwise }: Goal, serving: PoolEligibility): PoolEligibility | undefined {
    if (otherwise === undefined) return undefined
    const [first, other] = [poolOf(pool), poolOf(otherwise)]
    return serving === first ? other : first
  }

  return Object.freeze({
    isPool: (name: string) => pools.has(name),
    poolFor(goal: Goal) {
      const serving = inForce(goal)
      return serving.tier.length === 0 ? poolOf(goal.pool) : serving
    },
    of({ pinned, tried, goal = toDefault }: Wish) {
      const serving = inForce(goal)
      const other = beside(goal, serving)
      const isPinned = pinned >= 0 && !tried.includes(pinned)
      const bound = isPinned ? (serving.boundTo(pinned) ?? other?.boundTo(pinned)) : undefined
      return bound ?? serving.of(isPinned ? pinned : -1, tried) ?? other?.of(-1, tried)
    }
  })
}

/** The members of one pool. */
interface PoolEligibility extends PoolInForce {
  readonly isUp: boolean
  /** The master that a run is pinned to, while that takes work at all. */
  readonly boundTo: (pinned: number) => Eligible | undefined
  /** Who may have a request that is bound to nobody; `pinned` is the id of a master that may be doubted, or -1. */
  readonly of: (pinned: number, tried: readonly number[]) => Eligible | undefined
}

const nobody: PoolEligibility = Object.freeze({
  name: '',
  queue: 0,
  tier: [],
  isUp: false,
  boundTo: () => undefined,
  of: () => undefined
})

function createPoolEligibility(
  { name, queue, tiers, isUp }: PoolSnapshot,
  snapshot: Pick<Snapshot, 'finishing' | 'doubted'>
): PoolEligibility {
  const isMember = (master: Master) => isIn(master, name)
  const doubted = snapshot.doubted.filter(isMember)
  const groups = tiers.map(groupOf)
  const lastResort = groupOf(doubted.filter(takesNewRuns))
  const binding = singlesOf([...tiers.flat(), ...snapshot.finishing.filter(isMember)])
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
    name,
    queue,
    tier: tiers[0] ?? [],
    isUp,
    boundTo: (pinned: number) => binding.get(pinned),
    of(pinned: number, tried: readonly number[]) {
      const rest = untried(tried)
      const guess = pinned < 0 ? undefined : guesses.get(pinned)
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

import { leastLoaded } from '../../balance/least-loaded.ts'
import type { Master } from '../../model/master.ts'
import { poolsIn, type Snapshot } from '../../model/snapshot.ts'

/** What a choice depends on beside the snapshot. */
export interface ChoiceDeps {
  /** Connections at a master, over all workers, and those of other processes of this balancer. */
  readonly connections: (master: Master) => number
  readonly random: () => number
}

/** Chooses the master of a pool that gets a connection; `undefined` when nobody is left. */
export type Choose = (snapshot: Snapshot, pool: string, tried: readonly number[]) => Master | undefined

/**
 * Of the best tier that has somebody left, the master with the fewest connections for its weight; among equals the dice
 * decide, in proportion to weight.
 */
export function createChoice({ connections, random }: ChoiceDeps): Choose {
  const policy = leastLoaded({ busyness: connections, random, nextTurn: () => 0 })
  return (snapshot, pool, tried) => {
    const { tiers = [] } = poolsIn(snapshot).find(({ name }) => name === pool) ?? {}
    for (const tier of tiers) {
      const left = tier.filter(({ id }) => !tried.includes(id))
      if (left.length > 0) return policy(left, { key: '' })
    }
    return undefined
  }
}

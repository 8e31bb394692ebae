import type { Master } from './master.ts'
import { defaultPool } from './pool.ts'

/** Everything the data plane believes about the masters at one moment. Replaced whole, never edited. */
export interface Snapshot {
  readonly version: number
  readonly ca: Master
  /** False while its probes say that it is down. */
  readonly isCaUp: boolean
  /** Every compile master that sits on a seat, whatever its state and mode. */
  readonly masters: readonly Master[]
  /** Masters that may be given new runs, grouped by priority, best first; no group is empty. Those of all pools. */
  readonly tiers: readonly (readonly Master[])[]
  /** Left out: all masters are in the default pool. */
  readonly pools?: readonly PoolSnapshot[] | undefined
  /** Masters that take no new runs and end those that are pinned to them. */
  readonly finishing: readonly Master[]
  /** Masters of whom it is only a guess that they fail: they keep a pinned run if they have room at once. */
  readonly doubted: readonly Master[]
  /** Ids of masters from which no answer is to be hoped for: what may be repeated moves on. Left out: there are none. */
  readonly silent?: readonly number[]
  /**
   * Ids of masters in maintenance from which nothing came when they went there: nobody waits for them. What may be
   * repeated moves on, the rest is told. Left out: there are none.
   */
  readonly abandoned?: readonly number[]
  /** Why masters are not up, by id: a clause about each. Left out: nothing is known. */
  readonly causes?: ReadonlyMap<number, string>
}

/** What is believed about a pool. */
export interface PoolSnapshot {
  readonly name: string
  /** Where those who wait for it are counted: 0 to `queueCount` - 1. */
  readonly queue: number
  /** As in `Snapshot`, of its members. */
  readonly tiers: Snapshot['tiers']
  /** Whether a member is up. Without one its tiers are of masters of whom that is only a hope. */
  readonly isUp: boolean
}

/** The pools of a snapshot. */
export function poolsIn({ pools, tiers }: Pick<Snapshot, 'pools' | 'tiers'>): readonly PoolSnapshot[] {
  return pools ?? [{ name: defaultPool, queue: 0, tiers, isUp: tiers.length > 0 }]
}

/** The pools that requests are given to: those that no raw TCP leads to, which passes none on. */
export function askedPools(
  snapshot: Pick<Snapshot, 'pools' | 'tiers'>,
  tcp: readonly { readonly pool: string }[]
): readonly PoolSnapshot[] {
  return poolsIn(snapshot).filter(({ name }) => !tcp.some(({ pool }) => pool === name))
}

/** Whether a master can serve requests: one of the pools that are asked. Where there is no such pool, any master counts. */
export function canServe(
  snapshot: Pick<Snapshot, 'pools' | 'tiers'>,
  tcp: readonly { readonly pool: string }[]
): boolean {
  const pools = poolsIn(snapshot)
  const asked = askedPools(snapshot, tcp)
  return (asked.length > 0 ? asked : pools).some(({ tiers }) => tiers.length > 0)
}

/** Groups the masters that may take new runs into tiers by priority, ascending. */
export function tiersOf(masters: readonly Master[]): Snapshot['tiers'] {
  const byPriority = Map.groupBy(masters, master => master.priority)
  return Object.freeze(
    [...byPriority].sort(([a], [b]) => a - b).map(([, tier]) => Object.freeze(tier) as readonly Master[])
  )
}

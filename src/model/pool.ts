import { maxQueueLimit } from './settings.ts'

/** The pool of masters that name none, and of requests that no route takes. */
export const defaultPool = 'default'

/** The most pools there may be. */
export const maxPools = 8

/**
 * Queues that shared memory has room for. Twice as many as there may be pools: all of them can be replaced while those
 * who wait for the old ones are served.
 */
export const queueCount = 2 * maxPools

/** What belongs to pools: a master, or its settings. */
export interface Pooled {
  /** Left out: the default one alone. */
  readonly pools?: readonly string[] | undefined
}

const inDefault: readonly string[] = Object.freeze([defaultPool])

/** The pools that a master belongs to. */
export function poolsOf({ pools = inDefault }: Pooled): readonly string[] {
  return pools
}

export function isIn(member: Pooled, pool: string): boolean {
  return poolsOf(member).includes(pool)
}

/** Whether a master is of a pool that one of these leads to: listeners for raw TCP, say. */
export function isLedTo(member: Pooled, ways: readonly { readonly pool: string }[]): boolean {
  return ways.some(({ pool }) => isIn(member, pool))
}

/** Whether two masters may be given the same request. */
export function sharePool(a: Pooled, b: Pooled): boolean {
  return poolsOf(a).some(pool => isIn(b, pool))
}

/** The names of all pools that these masters make; the default one first, if it is one of them. */
export function poolNames(members: readonly Pooled[]): readonly string[] {
  const names = new Set(members.flatMap(poolsOf))
  return [...names].sort((a, b) => Number(b === defaultPool) - Number(a === defaultPool))
}

/** A certname as a pool knows it: what is kept of it there has nothing to do with another pool. No certname has a slash. */
export function certnameIn(pool: string, certname: string): string {
  return pool === defaultPool ? certname : `${pool}/${certname}`
}

/**
 * Most requests that may wait for a pool, when there are so many: all of them share the places that shared memory has.
 * So no pool that is full takes another one's.
 */
export function queueLimit(limit: number, pools: number): number {
  return Math.min(limit, Math.floor(maxQueueLimit / Math.max(1, pools)))
}

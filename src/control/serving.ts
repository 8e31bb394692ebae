import type { Master, MasterState } from '../model/master.ts'
import { defaultPool, isIn, type Pooled, poolNames } from '../model/pool.ts'
import { type PoolSnapshot, type Snapshot, tiersOf } from '../model/snapshot.ts'
import type { PoolNumbers } from './pool-numbers.ts'

/** What is known of masters when it is decided who serves. */
export interface ServingDeps {
  readonly stateOf: (id: number) => MasterState
  /** Its last probe was answered well, or at least taken and then too late. */
  readonly accepts: (id: number) => boolean
}

/**
 * Who of these is given new runs. An ejection is a guess: when it would leave nobody, masters that answer their probes
 * serve all the same. So do those that take connections, though too slow: a balancer that starts into a herd finds all
 * of them so.
 */
export function servingOf(active: readonly Master[], { stateOf, accepts }: ServingDeps): readonly Master[] {
  const inState = (state: MasterState) => active.filter(({ id }) => stateOf(id) === state)
  const fallbacks = [
    () => inState('up'),
    () => inState('ejected'),
    () => active.filter(({ id }) => accepts(id))
  ]
  return fallbacks.map(each => each()).find(each => each.length > 0) ?? []
}

/**
 * The same for each pool of the members there are; `undefined` where all of them are in the default pool. `active`:
 * those that may take new runs. `named`: whose pools there are as well, although DNS may not have led to a member yet:
 * who waits for one of these must have no place in the queue of another pool.
 */
export function poolSnapshots(
  members: readonly Master[],
  active: readonly Master[],
  numbers: PoolNumbers,
  deps: ServingDeps,
  named: readonly Pooled[] = []
): readonly PoolSnapshot[] | undefined {
  const names = poolNames([...members.filter(({ mode }) => mode !== 'leaving'), ...named])
  if (names.every(name => name === defaultPool)) return undefined
  const queues = numbers.of(names)
  return Object.freeze(
    names.map(name => {
      const serving = servingOf(
        active.filter(master => isIn(master, name)),
        deps
      )
      return Object.freeze({
        name,
        queue: queues.get(name) as number,
        tiers: tiersOf(serving),
        isUp: serving.some(({ id }) => deps.stateOf(id) === 'up')
      })
    })
  )
}

/** Who is missing where nobody serves, as the begin of a sentence: for each such pool, or for all of them at once. */
export function idlePools({ tiers, pools = [] }: Pick<Snapshot, 'tiers' | 'pools'>): readonly string[] {
  if (tiers.length === 0) return ['no master']
  return pools.flatMap(pool => (pool.tiers.length === 0 ? [`no master of the pool ${pool.name}`] : []))
}

import type { PoolInForce } from '../../balance/eligibility.ts'
import { certnameIn, defaultPool } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { ReturnTurns } from '../../shared/return-turns.ts'

/** More than an agent can be told. */
const LONGEST_MS = 1_800_000

/**
 * Milliseconds after which an agent that is sent away now should be back, when the queue needs `forecastMs`.
 * `certname`: of a verified certificate. `pool`: whose queue it is.
 */
export type ReturnTimes = (
  forecastMs: number,
  certname: string | undefined,
  pool?: Pick<PoolInForce, 'name' | 'queue'>
) => number

const inDefault = Object.freeze({ name: defaultPool, queue: 0 })

/**
 * Gives everyone who is sent away a turn behind those who wait and behind those who were sent away before. Spread over
 * the queue alone, most of a large herd would be sent away again and again, and agents before 6.14 give up after ten
 * times. A certname that asks before its turn has come is told the same turn again. Who shows no certificate has no
 * turn, so that nobody's moves for it.
 */
export function createReturnTimes(deps: {
  /** Requests that wait now in a queue, over all workers. */
  readonly depth: (queue: number) => number
  readonly turns: ReturnTurns
  readonly worker: number
  readonly runtime: Pick<Runtime, 'now' | 'random'>
}): ReturnTimes {
  const { depth, turns, worker, runtime } = deps
  return (forecastMs, certname, { name, queue } = inDefault) => {
    const behindMs = Math.min(forecastMs, LONGEST_MS / 2)
    if (certname === undefined) return behindMs * (1 + runtime.random())
    const nowMs = runtime.now()
    const paceMs = forecastMs / Math.max(1, depth(queue))
    const wish = { nowMs, earliestMs: nowMs + behindMs, latestMs: nowMs + LONGEST_MS, paceMs, queue }
    return turns.turnOf(worker, certnameIn(name, certname), wish) - nowMs
  }
}

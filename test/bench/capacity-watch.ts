import type { PoolCapacity } from '../../src/model/capacity.ts'
import { fleetPorts } from './fleet-ports.ts'
import { workOf } from './fleet-processes.ts'
import type { Started } from './processes.ts'

/** How exactly the ends of the balancer's minutes are known. */
const LOOK_MS = 500

/** What the balancer told as a minute was over, and what the JRubies did in the time that it spoke of. */
export interface Told {
  readonly pool: PoolCapacity
  /** Share of their time that JRubies were at work. */
  readonly worked: number
}

/** Looks at balancer and masters side by side. */
export interface Watch {
  /** All that was told until now, oldest first. */
  readonly told: () => readonly Told[]
  readonly stop: () => Promise<void>
}

interface Moment {
  readonly atMs: number
  readonly workedMs: number
}

/** Begins at once, which is to be when the balancer does: it counts its minutes from there. */
export async function watchCapacity(masters: readonly Started[]): Promise<Watch> {
  const turns: Moment[] = [await momentOf(masters)]
  const told: Told[] = []
  let minutes = 0

  async function look(): Promise<void> {
    const [pool, moment] = await Promise.all([askPool(), momentOf(masters)])
    if (pool.minutes < minutes) throw new Error('the balancer forgot minutes')
    // After half an hour they are as many as before; no measurement is as long.
    if (pool.minutes === minutes) return
    minutes = pool.minutes
    turns.push(moment)
    const began = turns.at(-1 - minutes) as Moment
    const jrubyMs = (moment.atMs - began.atMs) * pool.jrubies
    told.push({ pool, worked: (moment.workedMs - began.workedMs) / jrubyMs })
  }

  const over = new AbortController()
  const watching = (async () => {
    while (!over.signal.aborted) {
      await look()
      await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    }
  })()
  watching.catch(() => {})
  return {
    told: () => [...told],
    async stop() {
      over.abort()
      await watching
    }
  }
}

async function momentOf(masters: readonly Started[]): Promise<Moment> {
  const all = await Promise.all(masters.map(workOf))
  return { atMs: performance.now(), workedMs: all.reduce((sum, { workedMs }) => sum + workedMs, 0) }
}

async function askPool(): Promise<PoolCapacity> {
  const answer = await fetch(`http://127.0.0.1:${fleetPorts.admin}/api/status`)
  const { capacity } = (await answer.json()) as { readonly capacity: readonly PoolCapacity[] }
  return capacity[0] as PoolCapacity
}

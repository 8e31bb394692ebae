import type { CapacityWithout, PoolCapacity } from '../../model/capacity.ts'
import { spreadOf } from '../../shared/compile-times.ts'
import type { Demand } from './full-load.ts'
import type { LoadSeen } from './load-book.ts'

const MINUTE_MS = 60_000
/** Fewer runs or minutes say too little about the next ones. */
export const LEAST_RUNS = 100
export const LEAST_MINUTES = 5

/** A master that new runs of a pool go to. */
export interface ServingMaster {
  readonly name: string
  readonly jrubies: number
}

/** What is known of a pool. */
export interface PoolSeen {
  readonly pool: string
  /** Masters that new runs go to; and for each of them those that would take over if it were gone. */
  readonly serving: readonly (ServingMaster & { readonly others: readonly ServingMaster[] })[]
  /** `undefined`: nothing yet. */
  readonly load: LoadSeen | undefined
  /** From one run of an agent to its next, in milliseconds; `undefined` while no agent came twice. */
  readonly runIntervalMs: () => number | undefined
  /** At which share of so many JRubies it is full, by what its runs demand. */
  readonly fullLoad: (jrubies: number, demand: Demand) => number
}

/** Judges a pool. Pure. All masters' JRubies count as equally fast. */
export function capacityOf({ pool, serving, load, runIntervalMs, fullLoad }: PoolSeen): PoolCapacity {
  const jrubies = jrubiesOf(serving)
  const unknownYet = whyUnknown(load, jrubies)
  const intervalMs = unknownYet === undefined ? runIntervalMs() : undefined
  const unknown =
    unknownYet ??
    (intervalMs === undefined ? 'too few agents have come twice, so their run interval is not known' : null)
  const demand = unknown === null ? demandOf(load as LoadSeen) : undefined

  /** What it comes to with so many JRubies. */
  function withJRubies(count: number): Pick<PoolCapacity, 'utilization' | 'full' | 'headroomAgents'> {
    if (!load || count === 0) return { utilization: null, full: null, headroomAgents: null }
    const utilization = load.atWork.all / count
    if (!demand || intervalMs === undefined) return { utilization, full: null, headroomAgents: null }
    const full = fullLoad(count, demand)
    const perAgent = runMsOf(load) / intervalMs
    return { utilization, full, headroomAgents: Math.floor((full * count - load.atWork.all) / perAgent) }
  }

  function without({ name, others }: PoolSeen['serving'][number]): CapacityWithout {
    const { utilization, headroomAgents } = withJRubies(jrubiesOf(others))
    return { master: name, utilization, headroomAgents }
  }

  return {
    pool,
    jrubies,
    minutes: load?.minutes ?? 0,
    ...withJRubies(jrubies),
    busiestMinute: load && jrubies > 0 ? load.mostAtWork / jrubies : null,
    runIntervalSeconds: intervalMs === undefined ? null : Math.round(intervalMs / 1000),
    unknown,
    without: serving.map(without)
  }
}

function whyUnknown(load: LoadSeen | undefined, jrubies: number): string | undefined {
  if (jrubies === 0) return 'no master serves'
  if (!load || load.minutes < LEAST_MINUTES) return `counting began less than ${LEAST_MINUTES} minutes ago`
  if (load.runs >= LEAST_RUNS) return undefined
  return `${load.runs} runs in ${load.minutes} minutes are too few to judge by`
}

function jrubiesOf(masters: readonly ServingMaster[]): number {
  return masters.reduce((sum, { jrubies }) => sum + jrubies, 0)
}

/** JRuby time of a run, in milliseconds. */
function runMsOf({ atWork, minutes, runs }: LoadSeen): number {
  return (atWork.own * minutes * MINUTE_MS) / runs
}

/** What a run asks of JRubies. Catalogs that failed are taken to have been like those that were given. */
export function demandOf(load: LoadSeen): Demand {
  const runMs = runMsOf(load)
  const spread = spreadOf(load.times)
  const catalogs = spread.length > 0 ? spread : [{ tookMs: runMs, share: 1 }]
  const catalogMs = catalogs.reduce((sum, { tookMs, share }) => sum + share * tookMs, 0)
  return {
    catalogs,
    restMs: Math.max(0, runMs - catalogMs),
    restCount: Math.max(0, load.requests / load.runs - 1)
  }
}

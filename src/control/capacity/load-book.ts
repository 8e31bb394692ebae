import { compileTimeBuckets } from '../../shared/compile-times.ts'

/** The work of so many minutes counts: as long as most agents pause between two runs, so that each is in it once. */
export const LOAD_MINUTES = 30
/** Before a minute is over, so many looks tell of it. */
const LEAST_LOOKS = 3

/** JRubies of a pool that work at a moment. */
export interface AtWork {
  /** For agents of this balancer. */
  readonly own: number
  /** For anybody. */
  readonly all: number
}

/** What the masters of a pool did in some time. */
export interface WorkDone {
  /** Catalogs that were asked for, given or not: one in each run. */
  readonly runs: number
  /** Requests of any kind that needed a JRuby, catalogs included. */
  readonly requests: number
  /** How long catalogs took that were given, counted by bucket. */
  readonly times: Int32Array
}

/** The load of a pool of late. */
export interface LoadSeen extends WorkDone {
  /** Full minutes that this is of; 0: the looks of the first one until now, and none of its work. */
  readonly minutes: number
  /** JRubies that worked, on average. */
  readonly atWork: AtWork
  /** Of all minutes, the most. */
  readonly mostAtWork: number
}

/** Remembers the load of pools, minute by minute. Bounded: `LOAD_MINUTES` of each pool that there was in the last one. */
export interface LoadBook {
  readonly look: (pools: ReadonlyMap<string, AtWork>) => void
  /** A minute is over: what was done in it. Pools that are not named are forgotten. */
  readonly turn: (pools: ReadonlyMap<string, WorkDone>) => void
  /** `undefined` while nothing is known of it. */
  readonly recent: (pool: string) => LoadSeen | undefined
}

interface Minute {
  readonly atWork: AtWork
  readonly done: WorkDone
}

const nothing: WorkDone = { runs: 0, requests: 0, times: new Int32Array(compileTimeBuckets) }

export function createLoadBook(): LoadBook {
  let minutes: ReadonlyMap<string, readonly Minute[]> = new Map()
  let looks = new Map<string, { count: number; own: number; all: number }>()

  function meanOf(pool: string, least: number): AtWork | undefined {
    const { count, own, all } = looks.get(pool) ?? { count: 0, own: 0, all: 0 }
    return count < least ? undefined : { own: own / count, all: all / count }
  }

  return {
    look(pools) {
      for (const [pool, { own, all }] of pools) {
        const sum = looks.get(pool) ?? { count: 0, own: 0, all: 0 }
        looks.set(pool, { count: sum.count + 1, own: sum.own + own, all: sum.all + all })
      }
    },
    turn(pools) {
      minutes = new Map(
        [...pools].map(([pool, done]) => {
          const atWork = meanOf(pool, 1)
          const before = minutes.get(pool) ?? []
          return [pool, atWork ? [...before, { atWork, done }].slice(-LOAD_MINUTES) : before]
        })
      )
      looks = new Map()
    },
    recent(pool) {
      const known = minutes.get(pool) ?? []
      if (known.length > 0) return summaryOf(known)
      const atWork = meanOf(pool, LEAST_LOOKS)
      return atWork && { ...nothing, minutes: 0, atWork, mostAtWork: atWork.all }
    }
  }
}

function summaryOf(minutes: readonly Minute[]): LoadSeen {
  const mean = (of: keyof AtWork) => minutes.reduce((sum, { atWork }) => sum + atWork[of], 0) / minutes.length
  const done = sumOf(minutes.map(minute => minute.done))
  return {
    ...done,
    minutes: minutes.length,
    atWork: { own: mean('own'), all: mean('all') },
    mostAtWork: Math.max(...minutes.map(({ atWork }) => atWork.all))
  }
}

/** What several did, taken together. */
export function sumOf(all: readonly WorkDone[]): WorkDone {
  return all.reduce(
    (sum, { runs, requests, times }) => ({
      runs: sum.runs + runs,
      requests: sum.requests + requests,
      times: sum.times.map((count, bucket) => count + (times[bucket] ?? 0))
    }),
    nothing
  )
}

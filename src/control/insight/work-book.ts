import { runMinutes, workMinutes } from '../../model/overview.ts'
import { compileTimeBuckets } from '../../shared/compile-times.ts'

/** What was counted of one master since it sat down. The counters wrap around at 32 bits. */
export interface WorkTotals {
  readonly given: number
  readonly failed: number
  readonly times: Int32Array
}

/** Totals by the master's id. */
export type TotalsById = ReadonlyMap<number, WorkTotals>

/** Catalogs of a full minute. */
export interface CountedMinute {
  /** Minutes since 1970. */
  readonly minute: number
  readonly given: number
  readonly failed: number
}

/** What masters did minute by minute, from totals that are looked at once a minute. Bounded: an hour of sums. */
export interface WorkBook {
  /** The totals as a minute begins. One that comes after a gap says nothing about the minutes between; the same again is none. */
  readonly turn: (minute: number, totals: TotalsById) => void
  /** What was added to `totals` since some `workMinutes` ago, by id; since the start while there is less. */
  readonly recent: (totals: TotalsById) => TotalsById
  /** Full minutes, oldest first. */
  readonly minutes: () => readonly CountedMinute[]
}

const nothing: WorkTotals = { given: 0, failed: 0, times: new Int32Array(compileTimeBuckets) }

export function createWorkBook(): WorkBook {
  const turns: { readonly minute: number; readonly totals: TotalsById }[] = []
  const minutes: CountedMinute[] = []
  return {
    turn(minute, totals) {
      const last = turns.at(-1)
      if (last?.minute === minute) return
      if (last?.minute === minute - 1) {
        const added = [...addedSince(last.totals, totals).values()]
        minutes.push({ minute: last.minute, given: sum(added, 'given'), failed: sum(added, 'failed') })
      }
      turns.push({ minute, totals })
      if (turns.length > workMinutes) turns.shift()
      if (minutes.length > runMinutes) minutes.shift()
    },
    recent(totals) {
      const [first] = turns
      return addedSince(turns.length === workMinutes && first ? first.totals : new Map(), totals)
    },
    minutes: () => [...minutes]
  }
}

/** A master that was not there before began at nothing. */
function addedSince(before: TotalsById, now: TotalsById): TotalsById {
  return new Map([...now].map(([id, totals]) => [id, difference(totals, before.get(id) ?? nothing)]))
}

function difference(now: WorkTotals, before: WorkTotals): WorkTotals {
  return {
    given: (now.given - before.given) | 0,
    failed: (now.failed - before.failed) | 0,
    times: now.times.map((count, bucket) => count - (before.times[bucket] ?? 0))
  }
}

function sum(all: readonly WorkTotals[], key: 'given' | 'failed'): number {
  return all.reduce((total, each) => total + each[key], 0)
}

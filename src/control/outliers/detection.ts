import type { Master } from '../../model/master.ts'
import { isIn, poolNames } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Result, ResultTable } from '../../shared/results.ts'
import type { MasterWatch } from '../master-watch/master-watch.ts'
import { createEvidence, type Evidence } from './evidence.ts'
import { type Outlier, outlierOf } from './outlier.ts'

/** How often masters are compared. */
const LOOK_MS = 1_000
/** What is compared: the last seconds, so that a master that breaks is seen soon, and minutes, for a quiet site. */
const SPANS_MS = [10_000, 60_000, 300_000] as const
const LONGEST_MS = SPANS_MS[2]
/** No more of the masters than this share are out for failing more than others at a time. */
const MOST_OUT = 0.5

/** What a master can be an outlier in, and the results that show it. */
const faults: readonly {
  readonly fault: 'catalogs' | 'requests'
  readonly good: Result
  readonly bad: Result
}[] = [
  { fault: 'catalogs', good: 'given', bad: 'failed' },
  { fault: 'requests', good: 'answered', bad: 'lost' }
]

export interface OutlierDetectionDeps {
  /** Masters that new runs may be given to, whatever their state. */
  readonly masters: () => readonly Master[]
  readonly watchOf: (id: number) => Pick<MasterWatch, 'state' | 'isOutlier' | 'ejectAsOutlier'> | undefined
  readonly results: Pick<ResultTable, 'drain'>
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
}

/** Compares what masters do with what agents ask of them, and ejects one that fails more than the others. */
export interface OutlierDetection {
  readonly start: () => void
  readonly stop: () => void
}

export function createOutlierDetection(deps: OutlierDetectionDeps): OutlierDetection {
  const { masters, watchOf, results, runtime } = deps
  let evidence: ReadonlyMap<number, Evidence> = new Map()
  let cancel = () => {}

  /** Only of those that serve: what a master did before it was out says nothing about it afterwards. */
  function gather(): void {
    const gathered = new Map<number, Evidence>()
    for (const { id, seat } of masters()) {
      const sample = results.drain(seat)
      if (watchOf(id)?.state() !== 'up') continue
      const own = evidence.get(id) ?? createEvidence(LONGEST_MS)
      own.add(runtime.now(), sample)
      gathered.set(id, own)
    }
    evidence = gathered
  }

  /** Of masters that can take each other's work, so many may be out. */
  function mayEject(members: readonly Master[]): boolean {
    const out = members.filter(({ id }) => watchOf(id)?.isOutlier()).length
    return out + 1 <= MOST_OUT * (members.filter(({ id }) => evidence.has(id)).length + out)
  }

  function compare(members: readonly Master[]): void {
    const known = members.flatMap(({ id }) => {
      const own = evidence.get(id)
      return own ? [{ id, own }] : []
    })
    for (const spanMs of SPANS_MS) {
      for (const { fault, good, bad } of faults) {
        const over = (own: Evidence, result: Result) => own.over(runtime.now(), spanMs, result)
        const outlier = outlierOf(
          known.map(({ id, own }) => ({ id, good: over(own, good), bad: over(own, bad) }))
        )
        if (!outlier) continue
        const { id } = outlier
        const status = evidence.get(id)?.lastStatus() ?? 0
        watchOf(id)?.ejectAsOutlier(fault, describeOutlier(fault, outlier, status))
        return
      }
    }
  }

  function look(): void {
    gather()
    const all = masters()
    // Those of another pool have other agents, and perhaps other code.
    for (const pool of poolNames(all)) {
      const members = all.filter(master => isIn(master, pool))
      if (mayEject(members)) compare(members)
    }
    cancel = runtime.schedule(LOOK_MS, look)
  }

  return {
    start() {
      cancel = runtime.schedule(LOOK_MS, look)
    },
    stop: () => cancel()
  }
}

/** In the words of status, log and events. `status`: that of the last catalog that failed, 0 for no answer. */
export function describeOutlier(
  fault: 'catalogs' | 'requests',
  { failed, of, othersFailed, othersOf }: Outlier,
  status: number
): string {
  const others = `other masters ${othersFailed} of ${othersOf}`
  if (fault === 'requests') return `loses the requests of ${failed} of ${of} agents, ${others}`
  if (status === 0) return `leaves the catalogs of ${failed} of ${of} agents without an answer, ${others}`
  return `answers the catalogs of ${failed} of ${of} agents with ${status}, ${others}`
}

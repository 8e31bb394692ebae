import type { Runtime } from '../../model/runtime.ts'
import type { Master } from '../../model/snapshot.ts'
import type { JRubyReport } from '../../puppet/jruby-metrics.ts'

/** Puppet Server's own default on a machine with enough processors: `max-active-instances`. */
const DEFAULT_CAPACITY = 4
/** A report older than this many intervals says nothing about what a master does for others. */
const STALE_INTERVALS = 3
const JITTER = 0.1
/** Reports in a row that must leave no JRuby to those whose agent has gone. */
const REPORTS_TO_DROP = 3

export interface LoadOptions {
  readonly masters: readonly Master[]
  readonly intervalMs: number
  /** Asks a master for its numbers; `undefined` when it does not tell. Never rejects. */
  readonly ask: (master: Master) => Promise<JRubyReport | undefined>
  /** Requests of ours that hold a JRuby of a master. */
  readonly taken: (master: Master) => number
  /** Of those, requests whose agent has left. */
  readonly ghosts: (master: Master) => number
  readonly runtime: Runtime
  /** Called when anything that `of` or `isWarm` tells has changed. */
  readonly changed: () => void
  /** Called when a master proves to be done with what it did for agents that left before a time. */
  readonly ghostsDone: (master: Master, leftBeforeMs: number) => void
}

/** What masters can take: how many JRubies each has, and how many of them work for others. */
export interface Load {
  /** Resolves once every master was asked once, whatever came of it. */
  readonly start: () => Promise<void>
  readonly of: (master: Master) => { readonly capacity: number; readonly foreign: number }
  /** False while a master has JRubies but none of them is made yet. */
  readonly isWarm: (master: Master) => boolean
  /** Whether every JRuby of a master was busy when it last told. */
  readonly isFull: (master: Master) => boolean
  readonly stop: () => void
}

/** Learns the load of masters from their own numbers, asked for every `intervalMs`, give or take a tenth. */
export function createLoad(options: LoadOptions): Load {
  const { masters, intervalMs, ask, taken, ghosts, runtime, changed } = options
  const watched = new Map(
    masters.map(master => [
      master.index,
      {
        master,
        capacity: master.capacity ?? DEFAULT_CAPACITY,
        foreign: 0,
        estimate: Number.POSITIVE_INFINITY,
        isWarm: true,
        isFull: false,
        reportedAtMs: Number.NEGATIVE_INFINITY,
        /** When the last reports in a row were asked for that left no JRuby to those whose agent has gone. */
        askedWithoutGhosts: [] as number[],
        cancel: () => {}
      }
    ])
  )
  type Watched = typeof watched extends Map<number, infer One> ? One : never
  let stopped = false

  async function check(one: Watched): Promise<void> {
    const askedAtMs = runtime.now()
    const before = oursAt(one.master)
    const report = await ask(one.master)
    if (stopped) return
    const after = oursAt(one.master)
    if (report) {
      take(one, report, Math.max(before.taken, after.taken))
      findGhostsDone(one, report, Math.min(before.live, after.live), askedAtMs)
    } else {
      // Reports on both sides of one that did not come are not in a row.
      one.askedWithoutGhosts = []
      if (runtime.now() - one.reportedAtMs > STALE_INTERVALS * intervalMs) forget(one)
    }
    const delayMs = intervalMs * (1 + JITTER * (2 * runtime.random() - 1))
    one.cancel = runtime.schedule(delayMs, () => void check(one))
  }

  /**
   * `ours` is the most we are known to have had there while it answered. One that began and ended within that time
   * is missed and would pass for foreign; so what counts is what two reports in a row agree on.
   */
  function take(one: Watched, report: JRubyReport, ours: number): void {
    one.reportedAtMs = runtime.now()
    one.isFull = report.busy >= report.capacity
    const capacity = one.master.capacity ?? report.capacity
    const estimate = Math.max(0, report.busy + report.waiting - ours)
    const foreign = Math.min(one.estimate, estimate)
    one.estimate = estimate
    update(one, { capacity, foreign, isWarm: report.isWarm })
  }

  const oursAt = (master: Master) => ({ taken: taken(master), live: taken(master) - ghosts(master) })

  /**
   * A master that runs no more than what agents still wait for is done with the rest, whose answers were lost. A live
   * request may be on its way while the master tells: what counts is what several reports in a row agree on.
   */
  function findGhostsDone(one: Watched, report: JRubyReport, live: number, askedAtMs: number): void {
    const isDone = ghosts(one.master) > 0 && report.busy + report.waiting <= live
    const asked = isDone ? [...one.askedWithoutGhosts, askedAtMs].slice(-REPORTS_TO_DROP) : []
    one.askedWithoutGhosts = asked
    if (asked.length === REPORTS_TO_DROP) options.ghostsDone(one.master, asked[0] as number)
  }

  function forget(one: Watched): void {
    one.isFull = false
    update(one, { capacity: one.capacity, foreign: 0, isWarm: true })
  }

  function update(one: Watched, next: Pick<Watched, 'capacity' | 'foreign' | 'isWarm'>): void {
    if (one.capacity === next.capacity && one.foreign === next.foreign && one.isWarm === next.isWarm) return
    Object.assign(one, next)
    changed()
  }

  const find = (master: Master) => watched.get(master.index)
  return {
    async start() {
      await Promise.all([...watched.values()].map(check))
    },
    of: master => find(master) ?? { capacity: DEFAULT_CAPACITY, foreign: 0 },
    isWarm: master => find(master)?.isWarm ?? true,
    isFull: master => find(master)?.isFull ?? false,
    stop() {
      stopped = true
      for (const one of watched.values()) one.cancel()
    }
  }
}

import type { Runtime } from '../../model/runtime.ts'
import type { JRubyReport } from '../../puppet/jruby-metrics.ts'

/** Puppet Server's own default on a machine with enough processors: `max-active-instances`. */
const DEFAULT_CAPACITY = 4
/** A report older than this many intervals says nothing about what a master does for others. */
const STALE_INTERVALS = 3
const JITTER = 0.1
/**
 * What a master does for others, such as a second balancer, changes between two reports, and what is not known of it is
 * given to it once more. So it is asked that many times as often meanwhile; an answer takes it 5 to 10 ms.
 */
const HASTE = 5
/** Nobody is asked more often than that, whatever the interval. */
const LEAST_INTERVAL_MS = 100
/** Reports in a row without foreign work after which there is no haste any more. */
const REPORTS_TO_CALM = 10
/** Reports in a row that must leave no JRuby to those whose agent has gone. */
const REPORTS_TO_DROP = 3

export interface JRubyLoadOptions {
  readonly intervalMs: () => number
  /** JRubies the configuration says it has; otherwise its own word is taken. */
  readonly configured: () => number | undefined
  /**
   * Asks the master for its numbers; `undefined` when it does not tell, `not-asked` when a fault of our own kept us
   * from asking. Never rejects.
   */
  readonly ask: () => Promise<JRubyReport | 'not-asked' | undefined>
  /** Requests of ours that hold a JRuby of the master, those included of a process that hands over to this one. */
  readonly taken: () => number
  /** Of those, requests whose agent has left. */
  readonly ghosts: () => number
  /** Whether it is given JRubies by what it tells. One that is reached by raw TCP works for others alone, so to speak. */
  readonly isCounted: () => boolean
  readonly runtime: Runtime
  /** Called when what `capacity`, `foreign` or `isWarm` tell has changed. */
  readonly changed: () => void
  /** Called when the master proves to be done with what it did for agents that left before a time. */
  readonly ghostsDone: (leftBeforeMs: number) => void
}

/** What a master can take: how many JRubies it has, and how many of them work for others. */
export interface JRubyLoad {
  /** Resolves once the master was asked once, whatever came of it. */
  readonly start: () => Promise<void>
  readonly capacity: () => number
  readonly foreign: () => number
  /** False while the master has JRubies but none of them is made yet. */
  readonly isWarm: () => boolean
  /** Whether every JRuby was busy when it last told. */
  readonly isFull: () => boolean
  /** Of Puppet Server, as the master last told; `undefined` when it does not. */
  readonly version: () => string | undefined
  readonly stop: () => void
}

/** What is believed of a master's JRubies. */
interface Belief {
  readonly reported: number | undefined
  readonly foreign: number
  readonly isWarm: boolean
}

/**
 * Learns the load of a master from its own numbers, asked for every `intervalMs`, give or take a tenth, and five times as
 * often while it works for others.
 */
export function createJRubyLoad(options: JRubyLoadOptions): JRubyLoad {
  const { intervalMs, ask, taken, ghosts, runtime } = options
  let belief: Belief = { reported: undefined, foreign: 0, isWarm: true }
  /** JRubies that seemed to work for others by the last report. */
  let estimate = Number.POSITIVE_INFINITY
  let isFull = false
  let version: string | undefined
  let reportedAtMs = Number.NEGATIVE_INFINITY
  /** When the last reports in a row were asked for that left no JRuby to those whose agent has gone. */
  let askedWithoutGhosts: readonly number[] = []
  let reportsWithoutForeign = REPORTS_TO_CALM
  let stopped = false
  let cancel = () => {}

  async function check(): Promise<void> {
    const askedAtMs = runtime.now()
    const before = ours()
    const report = await ask()
    if (stopped) return
    const after = ours()
    if (report === 'not-asked') {
      // What is believed of the master is as good as it was; but no reports on both sides of this are in a row.
      askedWithoutGhosts = []
    } else if (report) {
      take(report, Math.max(before.taken, after.taken))
      findGhostsDone(report, Math.min(before.live, after.live), askedAtMs)
    } else {
      // Reports on both sides of one that did not come are not in a row.
      askedWithoutGhosts = []
      if (runtime.now() - reportedAtMs > STALE_INTERVALS * intervalMs()) forget()
    }
    const delayMs = pauseMs() * (1 + JITTER * (2 * runtime.random() - 1))
    cancel = runtime.schedule(delayMs, () => void check())
  }

  function pauseMs(): number {
    const usualMs = intervalMs()
    if (reportsWithoutForeign >= REPORTS_TO_CALM || !options.isCounted()) return usualMs
    return Math.min(usualMs, Math.max(LEAST_INTERVAL_MS, usualMs / HASTE))
  }

  const ours = () => ({ taken: taken(), live: taken() - ghosts() })

  /**
   * `most` is the most of ours that are known to have been there while it answered. One that began and ended within
   * that time is missed and would pass for foreign; so what counts is what two reports in a row agree on.
   */
  function take(report: JRubyReport, most: number): void {
    reportedAtMs = runtime.now()
    isFull = report.busy >= report.capacity
    version = report.version ?? version
    const next = Math.max(0, report.busy + report.waiting - most)
    const foreign = Math.min(estimate, next)
    estimate = next
    reportsWithoutForeign = foreign > 0 ? 0 : reportsWithoutForeign + 1
    believe({ reported: report.capacity, foreign, isWarm: report.isWarm })
  }

  /**
   * A master that runs no more than what agents still wait for is done with the rest, whose answers were lost. A live
   * request may be on its way while the master tells: what counts is what several reports in a row agree on.
   */
  function findGhostsDone(report: JRubyReport, live: number, askedAtMs: number): void {
    const isDone = ghosts() > 0 && report.busy + report.waiting <= live
    askedWithoutGhosts = isDone ? [...askedWithoutGhosts, askedAtMs].slice(-REPORTS_TO_DROP) : []
    if (askedWithoutGhosts.length === REPORTS_TO_DROP) options.ghostsDone(askedWithoutGhosts[0] as number)
  }

  function forget(): void {
    isFull = false
    reportsWithoutForeign = REPORTS_TO_CALM
    believe({ ...belief, foreign: 0, isWarm: true })
  }

  function believe(next: Belief): void {
    const { reported, foreign, isWarm } = belief
    if (reported === next.reported && foreign === next.foreign && isWarm === next.isWarm) return
    belief = next
    options.changed()
  }

  return {
    start: check,
    capacity: () => options.configured() ?? belief.reported ?? DEFAULT_CAPACITY,
    foreign: () => belief.foreign,
    isWarm: () => belief.isWarm,
    isFull: () => isFull,
    version: () => version,
    stop() {
      stopped = true
      cancel()
    }
  }
}

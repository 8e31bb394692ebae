import type { EventLog } from '../../model/event.ts'
import type { Master } from '../../model/master.ts'
import {
  type MasterWork,
  type Overview,
  type Refused,
  type RunsOfMinute,
  runMinutes
} from '../../model/overview.ts'
import type { Runtime } from '../../model/runtime.ts'
import { quantileMs } from '../../shared/compile-times.ts'
import type { SharedTables } from '../../shared/memory.ts'
import type { Agents } from '../agents/agents.ts'
import type { Roster } from '../roster.ts'
import type { NotReady, Reporting } from '../status.ts'
import { createAgentsSeen } from './agents-seen.ts'
import { createRefusalBook } from './refusal-book.ts'
import { type CountedMinute, createWorkBook, type TotalsById, type WorkTotals } from './work-book.ts'

const MINUTE_MS = 60_000
/** Events that are shown. */
const MAX_EVENTS = 30

export interface InsightDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly memory: Pick<SharedTables, 'results' | 'compileTimes' | 'slots'> & {
    readonly connections: Pick<SharedTables['connections'], 'sum'>
  }
  readonly agents: Pick<Agents, 'list' | 'census'>
  readonly runtime: Pick<Runtime, 'now' | 'wallClock' | 'schedule'>
  readonly events: Pick<EventLog, 'recent'>
  readonly status: Reporting['status']
  readonly notReady: NotReady
  readonly hostname: string
}

/** What the status page shows. Between two looks at it only the turn of a minute costs anything: some loads a master. */
export interface Insight {
  readonly overview: () => Overview
  /** What `overview` tells of each master, in the order of the roster. */
  readonly work: () => readonly MasterWork[]
  readonly refused: () => Refused
  readonly stop: () => void
}

/** Begins to count minutes at once. */
export function startInsight(deps: InsightDeps): Insight {
  const { roster, memory, runtime, events } = deps
  const { wallClock, schedule } = runtime
  const book = createWorkBook()
  const refusals = createRefusalBook()
  const agents = createAgentsSeen(deps.agents, runtime)
  const masters = () => roster.current().masters
  const totals = () => new Map(masters().map(master => [master.id, totalsOf(master, memory)]))
  let cancel = () => {}

  /** A timer may come a little before the clock that people read. */
  function turn(): void {
    book.turn(Math.round(wallClock() / MINUTE_MS), totals())
    refusals.turn(refusedBy(memory))
    awaitTurn()
  }

  function awaitTurn(): void {
    cancel = schedule(MINUTE_MS - (wallClock() % MINUTE_MS), turn)
  }
  awaitTurn()

  const work = () => workOf(masters(), book.recent(totals()), memory)
  const refused = () => refusals.recent(refusedBy(memory))

  return {
    work,
    refused,
    overview() {
      const nowMs = wallClock()
      return {
        at: new Date(nowMs).toISOString(),
        hostname: deps.hostname,
        notReady: deps.notReady() ?? null,
        status: deps.status(),
        work: work(),
        refused: refused(),
        runs: hourOf(book.minutes(), Math.floor(nowMs / MINUTE_MS)),
        agents: agents(),
        events: events.recent().slice(-MAX_EVENTS).reverse()
      }
    },
    stop: () => cancel()
  }
}

function totalsOf({ seat }: Master, { results, compileTimes }: InsightDeps['memory']): WorkTotals {
  return {
    given: results.total(seat, 'given'),
    failed: results.total(seat, 'failed'),
    times: compileTimes.counts(seat)
  }
}

function refusedBy({ connections }: InsightDeps['memory']): Refused {
  return { certificates: connections.sum('unbelieved'), limits: connections.sum('limited') }
}

function workOf(
  masters: readonly Master[],
  recent: TotalsById,
  { slots }: Pick<InsightDeps['memory'], 'slots'>
): readonly MasterWork[] {
  const all = [...recent.values()].reduce((total, { given, failed }) => total + given + failed, 0)
  return masters.map(({ id, seat }) => {
    const { given, failed, times } = recent.get(id) as WorkTotals
    const catalogs = given + failed
    const [p50Ms, p99Ms] = [quantileMs(times, 0.5), quantileMs(times, 0.99)]
    return {
      taken: slots.taken(seat),
      ghosts: slots.ghosts(seat),
      foreign: slots.foreign(seat),
      catalogs,
      share: all === 0 ? null : catalogs / all,
      failedShare: catalogs === 0 ? null : failed / catalogs,
      compile: p50Ms === undefined || p99Ms === undefined ? null : { p50Ms, p99Ms }
    }
  })
}

/** The full minutes before this one. */
function hourOf(counted: readonly CountedMinute[], thisMinute: number): readonly RunsOfMinute[] {
  const byMinute = new Map(counted.map(each => [each.minute, each]))
  return Array.from({ length: runMinutes }, (_, index) => {
    const minute = thisMinute - runMinutes + index
    const { given = null, failed = null } = byMinute.get(minute) ?? {}
    return { at: new Date(minute * MINUTE_MS).toISOString(), given, failed }
  })
}

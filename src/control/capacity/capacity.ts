import type { PoolCapacity } from '../../model/capacity.ts'
import type { Master } from '../../model/master.ts'
import { isIn } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import { askedPools, type PoolSnapshot } from '../../model/snapshot.ts'
import type { SharedTables } from '../../shared/memory.ts'
import type { AgentBook } from '../agents/book.ts'
import type { Roster } from '../roster.ts'
import type { Supervisor } from '../supervisor.ts'
import { type Demand, fullLoad } from './full-load.ts'
import { type AtWork, createLoadBook, sumOf, type WorkDone } from './load-book.ts'
import { capacityOf, type PoolSeen } from './pool-capacity.ts'
import { runIntervalMs } from './run-interval.ts'

/** JRubies are looked at so often: not once a second, for what cron starts comes at the same part of one. */
export const LOOK_MS = 977
const MINUTE_MS = 60_000

export interface CapacityDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly snapshot: Supervisor['snapshot']
  readonly memory: {
    readonly slots: Pick<SharedTables['slots'], 'taken' | 'foreign' | 'capacity'>
    readonly results: Pick<SharedTables['results'], 'total'>
    readonly compileTimes: Pick<SharedTables['compileTimes'], 'counts'>
  }
  readonly agents: Pick<AgentBook, 'all'>
  readonly settings: () => { readonly listen: Pick<Settings['listen'], 'tcp'> }
  readonly runtime: Pick<Runtime, 'now' | 'wallClock' | 'schedule'>
}

/** How much of each pool is used, and how many more agents it could take. */
export interface Capacity {
  /** Begins to measure. A look costs a few loads for each master, and no request pays for it. */
  readonly start: () => void
  /** Of the pools that requests are given to. */
  readonly status: () => readonly PoolCapacity[]
  readonly stop: () => void
}

export function createCapacity({
  roster,
  snapshot,
  memory,
  agents,
  settings,
  runtime
}: CapacityDeps): Capacity {
  const book = createLoadBook()
  /** What each master had done when the minute began, by its id. */
  let before: ReadonlyMap<number, WorkDone> = new Map()
  /** What is the same until the minute is over, by pool. */
  let reckoned = new Map<string, Reckoned>()
  let minuteEndsMs = 0
  let cancel = () => {}

  const pools = () => askedPools(snapshot(), settings().listen.tcp)

  /** By pool, of all masters that belong to it, whether they serve or end their work. */
  function byPool<Of>(pick: (masters: readonly Master[]) => Of): ReadonlyMap<string, Of> {
    const { masters } = roster.current()
    return new Map(pools().map(({ name }) => [name, pick(masters.filter(each => isIn(each, name)))]))
  }

  function atWork(masters: readonly Master[]): AtWork {
    let [own, all] = [0, 0]
    for (const { seat } of masters) {
      const [taken, jrubies] = [memory.slots.taken(seat), memory.slots.capacity(seat)]
      own += Math.min(taken, jrubies)
      all += Math.min(taken + memory.slots.foreign(seat), jrubies)
    }
    return { own, all }
  }

  function doneBy({ seat }: Master): WorkDone {
    const total = (result: 'given' | 'failed' | 'answered' | 'lost') => memory.results.total(seat, result)
    return {
      runs: total('given') + total('failed'),
      requests: total('answered') + total('lost'),
      times: memory.compileTimes.counts(seat)
    }
  }

  function turn(): void {
    const now = new Map(roster.current().masters.map(master => [master.id, doneBy(master)]))
    const added = (masters: readonly Master[]) =>
      sumOf(masters.map(({ id }) => difference(now.get(id) as WorkDone, before.get(id))))
    book.turn(byPool(added))
    before = now
    reckoned = new Map()
  }

  function look(): void {
    if (runtime.now() >= minuteEndsMs) {
      turn()
      minuteEndsMs = runtime.now() + MINUTE_MS
    }
    book.look(byPool(atWork))
    cancel = runtime.schedule(LOOK_MS, look)
  }

  function servingIn({ tiers: [first = [], ...rest] }: PoolSnapshot): PoolSeen['serving'] {
    const told = (master: Master) => ({ name: master.name, jrubies: memory.slots.capacity(master.seat) })
    return first.map(master => {
      const left = first.filter(each => each !== master)
      return { ...told(master), others: (left.length > 0 ? left : (rest[0] ?? [])).map(told) }
    })
  }

  function reckonedOf(pool: string): Reckoned {
    const known = reckoned.get(pool)
    if (known) return known
    const members = new Set(
      roster
        .current()
        .masters.filter(each => isIn(each, pool))
        .map(({ name }) => name)
    )
    const found = reckon(() => runIntervalMs(agents.all(), name => members.has(name), runtime.wallClock()))
    reckoned.set(pool, found)
    return found
  }

  return {
    start() {
      before = new Map(roster.current().masters.map(master => [master.id, doneBy(master)]))
      minuteEndsMs = runtime.now() + MINUTE_MS
      look()
    },
    status: () =>
      pools().map(pool =>
        capacityOf({
          ...{ pool: pool.name, serving: servingIn(pool), load: book.recent(pool.name) },
          ...reckonedOf(pool.name)
        })
      ),
    stop: () => cancel()
  }
}

type Reckoned = Pick<PoolSeen, 'runIntervalMs' | 'fullLoad'>

/** Each is reckoned once: masters are alike, so there are few numbers of JRubies. */
function reckon(intervalMs: () => number | undefined): Reckoned {
  let interval: { readonly ms: number | undefined } | undefined
  const full = new Map<number, number>()
  return {
    runIntervalMs() {
      interval ??= { ms: intervalMs() }
      return interval.ms
    },
    fullLoad(jrubies: number, demand: Demand) {
      const known = full.get(jrubies) ?? fullLoad(jrubies, demand)
      full.set(jrubies, known)
      return known
    }
  }
}

/** The totals wrap around at 32 bits. One that was not there before began at nothing. */
function difference(now: WorkDone, before: WorkDone | undefined): WorkDone {
  if (!before) return now
  return {
    runs: (now.runs - before.runs) | 0,
    requests: (now.requests - before.requests) | 0,
    times: now.times.map((count, bucket) => count - (before.times[bucket] ?? 0))
  }
}

import { headStartMs, type Rank, ranks } from '../../src/balance/queue-order.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import { maskOf, type SeatMask } from '../../src/model/seat-mask.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { SlotTable } from '../../src/shared/slots/types.ts'
import { pluginRequests, thinkMs } from '../bench/fleet-plan.ts'
import { seededDice } from './runtime.ts'

/** What a run asks of JRubies, and when it begins. Times are milliseconds. */
export interface TimedRun {
  readonly atMs: number
  /** In the order of the requests: plugins, catalog, files, report. */
  readonly serviceMs: readonly number[]
}

/** A fleet of agents and masters in a time of its own, so that hours of it take a second. */
export interface FleetInTime {
  /** JRubies of each master, which sits on the seat of its index. */
  readonly jrubies: readonly number[]
  readonly runs: readonly TimedRun[]
  /** Called before the first run. What it schedules is done until the last run has ended. */
  readonly begin?: (world: FleetWorld) => void
  /** The master on a seat has answered. */
  readonly answered?: (seat: number, rank: Rank, tookMs: number) => void
}

/** What somebody sees who watches the fleet. */
export interface FleetWorld {
  readonly slots: SlotTable
  readonly runtime: Pick<Runtime, 'now' | 'wallClock' | 'schedule'>
}

/** What became of it. Times are milliseconds. */
export interface FleetRecord {
  /** How long each run took, in the order in which they ended. */
  readonly runMs: readonly number[]
  /** When each run ended, in the same order. */
  readonly endedAtMs: readonly number[]
  /** What the JRubies of each master did within a time: their work, summed up. */
  readonly busyMs: (fromMs: number, toMs: number) => number
}

interface Running {
  readonly planned: TimedRun
  next: number
  pinned: number
}

/**
 * Plays the runs against the slot table that the balancer has, in the order of its queue: a light request goes to the
 * master of its run, a catalog or report to whoever has room. Nothing of it is random but the plan.
 */
export function playFleet({ jrubies, runs, begin: beginWatch, answered }: FleetInTime): FleetRecord {
  let nowMs = 0
  const events = createAgenda()
  const slots = createSlotTable(
    { workers: 1, entries: 4_000 },
    { now: () => nowMs, schedule: () => () => {} }
  )
  const takesAll = { foreign: 0, takesNewRuns: true }
  void slots.setSeats(new Map(jrubies.map((capacity, seat) => [seat, { capacity, ...takesAll }])))
  const user = slots.join(0)
  const seats = jrubies.map((_, seat) => seat)
  const anywhere = maskOf(seats)
  const only: readonly SeatMask[] = seats.map(seat => maskOf([seat]))
  const waiting = new Map<number, Running>()
  const served: { readonly fromMs: number; readonly toMs: number }[] = []
  const record = { runMs: [] as number[], endedAtMs: [] as number[] }
  let reservedUntilMs = Number.POSITIVE_INFINITY

  function begin(run: Running): void {
    const thinkingMs = run.next === pluginRequests ? thinkMs.beforeCatalog : pauseBefore(run)
    events.add(nowMs + thinkingMs, () => ask(run))
  }

  function ask(run: Running): void {
    const rank = rankOf(run)
    const isBound = rank === 'light' && run.pinned >= 0
    const claim = {
      rank: ranks.indexOf(rank),
      dueMs: nowMs + headStartMs[rank],
      mask: isBound ? (only[run.pinned] as SeatMask) : anywhere
    }
    if (isBound) user.learnGap(claim, run.pinned)
    const order = isBound ? [run.pinned] : leastLoaded()
    let ticket = -1
    for (const seat of order) {
      if (!slots.hasRoom(seat)) continue
      ticket = user.take(claim, seat)
      if (ticket >= 0) break
    }
    if (ticket < 0) ticket = user.wait(claim)
    waiting.set(ticket, run)
  }

  function leastLoaded(): readonly number[] {
    const load = (seat: number) => (slots.taken(seat) + 1) / (jrubies[seat] as number)
    return [...seats].sort((a, b) => load(a) - load(b))
  }

  function serve(ticket: number, run: Running): void {
    const seat = user.seatOf(ticket)
    const tookMs = run.planned.serviceMs[run.next] as number
    if (rankOf(run) === 'catalog' || run.pinned < 0) run.pinned = seat
    served.push({ fromMs: nowMs, toMs: nowMs + tookMs })
    events.add(nowMs + tookMs, () => {
      answered?.(seat, rankOf(run), tookMs)
      user.release(ticket, tookMs)
      run.next++
      if (run.next < run.planned.serviceMs.length) begin(run)
      else {
        record.runMs.push(nowMs - run.planned.atMs)
        record.endedAtMs.push(nowMs)
      }
    })
  }

  /** Whoever has got a slot by now begins. */
  function settle(): void {
    for (const [ticket, run] of waiting)
      if (user.seatOf(ticket) >= 0) {
        waiting.delete(ticket)
        serve(ticket, run)
      }
    const reservedMs = waiting.size > 0 ? user.reservedForMs() : undefined
    const untilMs = reservedMs === undefined ? Number.POSITIVE_INFINITY : nowMs + Math.max(1, reservedMs)
    if (untilMs >= reservedUntilMs && reservedUntilMs > nowMs) return
    reservedUntilMs = untilMs
    if (Number.isFinite(untilMs))
      events.add(untilMs, () => {
        reservedUntilMs = Number.POSITIVE_INFINITY
        user.releaseReserved()
      })
  }

  for (const planned of runs) events.add(planned.atMs, () => ask({ planned, next: 0, pinned: -1 }))
  const runtime = {
    now: () => nowMs,
    wallClock: () => nowMs,
    schedule(delayMs: number, task: () => void) {
      let isCancelled = false
      events.add(nowMs + delayMs, () => isCancelled || task())
      return () => {
        isCancelled = true
      }
    }
  }
  beginWatch?.({ slots, runtime })
  while (record.runMs.length < runs.length) {
    const event = events.take()
    if (!event) throw new Error('a run waits for what never comes')
    nowMs = event.atMs
    event.task()
    settle()
  }
  return {
    ...record,
    busyMs: (fromMs, toMs) =>
      served.reduce(
        (sum, each) => sum + Math.max(0, Math.min(each.toMs, toMs) - Math.max(each.fromMs, fromMs)),
        0
      )
  }
}

/** How long things take, before they are thrown: the mean of all, and how uneven catalogs are. */
const usual = { lightMs: 80, reportMs: 300, catalogMs: 8_000, sigma: 0.7 }

/** JRuby time of a run on average, with so many requests for files. */
export function meanRunMs(files: number): number {
  return usual.catalogMs + (pluginRequests + files) * usual.lightMs + usual.reportMs
}

/** Runs that begin whenever they like, `perSecond` on average: log-normal compile times, exponential times else. */
export function throwRuns(plan: {
  readonly count: number
  readonly perSecond: number
  readonly files: number
  readonly seed: number
}): readonly TimedRun[] {
  const dice = seededDice(plan.seed)
  const exponential = (mean: number) => -Math.log(1 - dice()) * mean
  const normal = () => Math.sqrt(-2 * Math.log(1 - dice())) * Math.cos(2 * Math.PI * dice())
  const lights = (count: number) => Array.from({ length: count }, () => exponential(usual.lightMs))
  let atMs = 0
  return Array.from({ length: plan.count }, () => {
    atMs += exponential(1_000 / plan.perSecond)
    const { catalogMs, sigma, reportMs } = usual
    const compileMs = catalogMs * Math.exp(sigma * normal() - sigma ** 2 / 2)
    const serviceMs = [...lights(pluginRequests), compileMs, ...lights(plan.files), exponential(reportMs)]
    return { atMs, serviceMs }
  })
}

function rankOf({ planned, next }: Running): Rank {
  if (next === pluginRequests) return 'catalog'
  return next === planned.serviceMs.length - 1 ? 'report' : 'light'
}

function pauseBefore({ next }: Running): number {
  return next === pluginRequests + 1 ? thinkMs.afterCatalog : thinkMs.between
}

interface Task {
  readonly atMs: number
  readonly task: () => void
}

/** What is to happen, soonest first: a heap. */
function createAgenda() {
  const tasks: Task[] = []
  const at = (index: number) => (tasks[index] as Task).atMs
  const swap = (a: number, b: number) => {
    const held = tasks[a] as Task
    tasks[a] = tasks[b] as Task
    tasks[b] = held
  }
  return {
    add(atMs: number, task: () => void) {
      tasks.push({ atMs, task })
      for (
        let index = tasks.length - 1;
        index > 0 && at(index) < at((index - 1) >> 1);
        index = (index - 1) >> 1
      )
        swap(index, (index - 1) >> 1)
    },
    take(): Task | undefined {
      const first = tasks[0]
      const last = tasks.pop()
      if (!first || !last || tasks.length === 0) return first
      tasks[0] = last
      for (let index = 0; ; ) {
        let least = index
        for (const child of [2 * index + 1, 2 * index + 2])
          if (child < tasks.length && at(child) < at(least)) least = child
        if (least === index) return first
        swap(index, least)
        index = least
      }
    }
  }
}

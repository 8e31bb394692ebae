import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { Master } from '../model/master.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Board } from '../shared/board.ts'
import type { CompileTimes } from '../shared/compile-times.ts'
import type { PinTable } from '../shared/pins.ts'
import type { ResultTable } from '../shared/results.ts'
import type { SlotTable } from '../shared/slots/types.ts'
import type { Turns } from '../shared/turns.ts'
import { createRemainingWork } from './remaining-work.ts'
import { NoSeatError, type Roster } from './roster.ts'
import type { Supervisor } from './supervisor.ts'
import type { HeldElsewhere } from './takeover/held-elsewhere.ts'

/** How often masters that leave are looked at. */
const LOOK_MS = 500
/** How long a reload waits for seats that are about to become free. */
const ROOM_TIMEOUT_MS = 10_000

export interface SeatingDeps {
  readonly roster: Roster
  readonly supervisor: Pick<Supervisor, 'unwatch' | 'stateOf' | 'refresh'>
  readonly board: Pick<Board, 'inFlight'>
  readonly slots: Pick<SlotTable, 'taken' | 'failed' | 'resetSeat'>
  readonly pins: Pick<PinTable, 'isLedTo'>
  readonly held: Pick<HeldElsewhere, 'of' | 'connectionsOf'>
  readonly turns: Pick<Turns, 'resetSeat'>
  readonly results: Pick<ResultTable, 'reset'>
  readonly compileTimes: Pick<CompileTimes, 'reset'>
  /** Resolves once every plane goes by all that was published until now. */
  readonly whenApplied: () => Promise<void>
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/**
 * Sees masters off that leave. One stays on its seat until its requests and the runs pinned to it have ended, or until
 * it is down and has no request left. Its seat is used again once every plane has heard of it and nothing is counted
 * there any more.
 */
export interface Seating {
  /** Looks after those that leave now and from now on. */
  readonly start: () => void
  /** A master that is a member no more by what was published: for one that has no pins to wait for, such as a CA. */
  readonly vacate: (master: Master) => void
  /**
   * Resolves when so many seats are free; asks those to go that have nothing but pins and are not about to come back.
   * Rejects with a NoSeatError.
   */
  readonly makeRoom: (seats: number, comesBack?: (master: Master) => boolean) => Promise<void>
  /** Nobody goes until the result is called: a proposal counts on the members that there were when it was made. */
  readonly hold: () => () => void
  readonly stop: () => void
}

export function createSeating(deps: SeatingDeps): Seating {
  const { roster, supervisor, slots, turns, results, compileTimes, runtime } = deps
  const vacating = new Set<number>()
  let cancel = () => {}
  let isHeld = false
  let stopped = false

  const { isIdle, hasEnded } = createRemainingWork(deps)
  /** What failed there counts for up to a minute yet, and must not count against who comes next. */
  const isForgotten = (master: Master) => isIdle(master) && slots.failed(master.seat) === 0
  const leaving = () => roster.current().masters.filter(({ mode }) => mode === 'leaving')

  /** Takes masters out of the membership, tells the planes, and frees their seats when that is safe. */
  function dismiss(gone: readonly Master[]): void {
    if (gone.length === 0) return
    for (const { id } of gone) roster.dismiss(id)
    supervisor.refresh()
    for (const master of gone) {
      deps.log.info({ master: master.name, url: master.url }, 'master has left')
      deps.events.add({ kind: 'master-left', text: `${master.name} has left`, master: master.name })
      vacate(master)
    }
  }

  function vacate(master: Master): void {
    supervisor.unwatch(master.id)
    vacating.add(master.seat)
    void deps.whenApplied().then(() => freeWhenIdle(master))
  }

  async function freeWhenIdle(master: Master): Promise<void> {
    if (stopped) return
    if (!isForgotten(master)) {
      runtime.schedule(LOOK_MS, () => void freeWhenIdle(master))
      return
    }
    await slots.resetSeat(master.seat)
    await turns.resetSeat(master.seat)
    results.reset(master.seat)
    compileTimes.reset(master.seat)
    vacating.delete(master.seat)
    roster.free(master.seat)
  }

  function look(): void {
    if (!isHeld) dismiss(leaving().filter(hasEnded))
    schedule()
  }

  function schedule(): void {
    if (!stopped) cancel = runtime.schedule(LOOK_MS, look)
  }

  return {
    start: schedule,
    vacate,
    async makeRoom(seats, comesBack = () => false) {
      const untilMs = runtime.now() + ROOM_TIMEOUT_MS
      for (;;) {
        const missing = seats - roster.freeSeats() - vacating.size
        const canGo = leaving().filter(master => isIdle(master) && !comesBack(master))
        if (missing > 0) dismiss(canGo.slice(0, missing))
        if (roster.freeSeats() >= seats) return
        if (runtime.now() > untilMs) {
          const busy = leaving().length + vacating.size
          throw new NoSeatError(
            `there is no room for ${seats} more masters yet: ${busy} that left still end their requests; try again later`
          )
        }
        await new Promise<void>(resolve => void runtime.schedule(20, resolve))
      }
    },
    hold() {
      isHeld = true
      return () => {
        isHeld = false
      }
    },
    stop() {
      stopped = true
      cancel()
    }
  }
}

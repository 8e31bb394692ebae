import { isOut, type Master } from '../model/master.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Board } from '../shared/board.ts'
import type { PinTable } from '../shared/pins.ts'
import type { SlotTable } from '../shared/slots/types.ts'
import type { Supervisor } from './supervisor.ts'
import type { HeldElsewhere } from './takeover/held-elsewhere.ts'

export interface RemainingWorkDeps {
  readonly supervisor: Pick<Supervisor, 'stateOf'>
  readonly board: Pick<Board, 'inFlight'>
  readonly slots: Pick<SlotTable, 'taken'>
  readonly pins: Pick<PinTable, 'isLedTo'>
  /** What other processes of this balancer have there. */
  readonly held: Pick<HeldElsewhere, 'of' | 'connectionsOf'>
  readonly runtime: Pick<Runtime, 'now'>
}

/** What a master has left to do that takes no new runs. */
export interface RemainingWork {
  /** It has no request, no connection of raw TCP, nor a JRuby that works for an agent that has gone. */
  readonly isIdle: (master: Master) => boolean
  /** It is idle, and no run is pinned to it that could go on there. */
  readonly hasEnded: (master: Master) => boolean
}

export function createRemainingWork({
  supervisor,
  board,
  slots,
  pins,
  held,
  runtime
}: RemainingWorkDeps): RemainingWork {
  const isIdle = (master: Master) =>
    board.inFlight(master.seat) + slots.taken(master.seat) + held.of(master) + held.connectionsOf(master) ===
    0
  return {
    isIdle,
    hasEnded(master) {
      if (!isIdle(master)) return false
      // One that is not probed is in maintenance.
      return isOut(supervisor.stateOf(master.id)) || !pins.isLedTo(master.id, runtime.now())
    }
  }
}

import type { Proposal } from '../../src/control/roster.ts'
import { isOut } from '../../src/model/master.ts'
import type { World } from './promises.ts'

/** Two looks, and the time in which all workers hear of it. */
const DRAINED_MS = 12_000

interface Drain {
  readonly seat: number
  /** Since it had something left. */
  isTold: boolean
  /** Since it began to drain. */
  wasTold: boolean
  /** It was up then, so no run is left that could come back to it. */
  isFinal: boolean
  endedMs: number | undefined
}

/** Who drains and has nothing left is told so, once. */
export function promiseDrains({ control, breaks, now }: World) {
  const drains = new Map<number, Drain>()
  const tables = () => control().memory
  const isIdle = (seat: number) => tables().board.inFlight(seat) === 0 && tables().slots.taken(seat) === 0

  function drained(name: string | undefined): void {
    const { roster, supervisor } = control()
    const master = roster.current().masters.find(each => each.name === name && each.mode === 'draining')
    const drain = drains.get(master?.id ?? -1)
    if (!master || !drain) {
      breaks(`${name} is told drained and does not drain`)
      return
    }
    if (drain.isTold) breaks(`${name} is told drained twice`)
    drain.isTold = true
    drain.wasTold = true
    const isPinned = tables().pins.isLedTo(master.id, now())
    const isDown = isOut(supervisor.stateOf(master.id))
    drain.isFinal = !isDown
    if (!isIdle(master.seat) || (isPinned && !isDown)) breaks(`${name} is told drained with work left`)
  }

  function inspect(): void {
    const { roster, supervisor, drains: shown } = control()
    for (const master of roster.current().masters) {
      const drain = drains.get(master.id)
      if (!drain) continue
      const isDown = isOut(supervisor.stateOf(master.id))
      const hasEnded = isIdle(master.seat) && (isDown || !tables().pins.isLedTo(master.id, now()))
      drain.endedMs = hasEnded ? (drain.endedMs ?? now()) : undefined
      const isShown = shown.isDrained(master.id)
      if (isShown && !drain.wasTold) breaks(`${master.name} is shown drained and was never told so`)
      if (!isShown && now() - (drain.endedMs ?? now()) > DRAINED_MS)
        breaks(`${master.name} is never told drained`)
    }
  }

  return {
    ...{ drained, inspect },
    adopting({ masters }: Proposal) {
      for (const { id, seat, mode } of masters) {
        if (mode !== 'draining') drains.delete(id)
        else if (!drains.has(id))
          drains.set(id, { seat, isTold: false, wasTold: false, isFinal: false, endedMs: undefined })
      }
    },
    look() {
      for (const drain of drains.values()) {
        if (!drain.isTold || isIdle(drain.seat)) continue
        if (drain.isFinal) breaks(`seat ${drain.seat} has work after its master was told drained`)
        drain.isTold = false
      }
    }
  }
}

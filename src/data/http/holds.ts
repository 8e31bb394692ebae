import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { SlotUser } from '../../shared/slots/types.ts'
import type { Hold, WaitingRoom } from './slot-request.ts'

/** A hold from the inside. */
export interface PlaceOfHold {
  readonly hold: Hold
  /** Its slot's time begins. */
  readonly begin: () => void
  /** Its ticket was given back by other hands. */
  readonly lapse: () => void
}

export interface HoldsDeps {
  readonly user: SlotUser
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
  /** Who sits on a seat. */
  readonly masterAt: (seat: number) => Master
  /** Whoever has the ticket gives it back, in whatever way. */
  readonly ended: (ticket: number) => void
  /** Who may have what waits with this ticket has changed. */
  readonly reconsider: (ticket: number) => void
  /** A slot may be free by now. */
  readonly freed: () => void
}

/** The tickets of this worker's requests as those who have them see them, and the slots that work on for nobody. */
export interface Holds {
  readonly of: (ticket: number) => PlaceOfHold
  readonly dropGhosts: WaitingRoom['dropGhosts']
}

interface Ghost {
  readonly leftAtMs: number
  readonly master: Master
  readonly drop: () => void
}

export function createHolds({ user, runtime, masterAt, ended, reconsider, freed }: HoldsDeps): Holds {
  const ghosts = new Map<number, Ghost>()

  /** One that failed counts at its master for this long. */
  function countOn(ticket: number, restMs: number): void {
    if (restMs === 0) return
    runtime.schedule(restMs, () => {
      user.release(ticket)
      freed()
    })
  }

  return {
    of(ticket) {
      let isHeld = true
      let sinceMs = runtime.now()
      const end = (giveBack: (heldMs: number) => void) => {
        if (!isHeld) return
        isHeld = false
        ended(ticket)
        ghosts.delete(ticket)
        giveBack(runtime.now() - sinceMs)
        freed()
      }
      const hold: Hold = {
        release: (isServed = false) => end(heldMs => user.release(ticket, isServed ? heldMs : undefined)),
        fail: () => end(heldMs => countOn(ticket, user.fail(ticket, heldMs))),
        disown() {
          if (isHeld) user.disown(ticket)
        },
        leave(drop) {
          if (!isHeld) return
          user.leave(ticket)
          ghosts.set(ticket, { leftAtMs: runtime.now(), master: masterAt(user.seatOf(ticket)), drop })
        },
        reconsider() {
          if (isHeld) reconsider(ticket)
        }
      }
      const begin = () => {
        sinceMs = runtime.now()
      }
      const lapse = () => {
        isHeld = false
      }
      return { hold, begin, lapse }
    },
    dropGhosts(masterId, leftBeforeMs) {
      for (const { leftAtMs, master, drop } of ghosts.values()) {
        if (leftAtMs < leftBeforeMs && master.id === masterId) drop()
      }
    }
  }
}

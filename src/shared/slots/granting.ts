import { seatCount } from '../../model/master.ts'
import type { Anticipation } from './anticipation.ts'
import type { Capacity } from './capacity.ts'
import { type Claimants, uncounted } from './claimants.ts'
import type { SlotEntries } from './entries.ts'
import { eachSeat, heavyRank } from './layout.ts'
import type { SeatMask, SlotClaim } from './types.ts'
import type { Wake } from './wake.ts'

/** Decides who gets a slot. Only within the table's lock. */
export interface Granting {
  /** Whether a newcomer may have a slot of a seat before all who wait. */
  readonly isNext: (claim: SlotClaim, seat: number) => boolean
  /** Gives what is free at a seat to those with the best claims; their workers are woken. */
  readonly giveOut: (seat: number) => void
  /** The same at all seats of a mask. */
  readonly giveOutAt: (mask: SeatMask) => void
  readonly giveOutAll: () => void
  /** Milliseconds until a reserved slot is free for somebody who waits for it; `undefined` when nobody does. */
  readonly reservedForMs: () => number | undefined
}

/** `now`: milliseconds on the clock of the claims. */
export function createGranting(
  capacity: Capacity,
  entries: SlotEntries,
  claimants: Claimants,
  anticipation: Anticipation,
  wake: Wake,
  now: () => number
): Granting {
  /** A catalog that aged past the head start of others need not stand back for light requests to come. */
  const latestHeavyMs = (seat: number) =>
    anticipation.reservedForMs(seat) > 0 ? now() : Number.POSITIVE_INFINITY

  function giveOut(seat: number): void {
    while (capacity.hasRoom(seat)) {
      const ticket = entries.best(seat, latestHeavyMs(seat))
      if (ticket < 0) return
      entries.start(ticket, seat)
      wake.worker(entries.workerOf(ticket))
    }
  }

  return {
    isNext({ rank, dueMs, mask, claimant = uncounted }, seat) {
      if (!capacity.hasRoom(seat) || ((mask[seat >>> 5] as number) & (1 << (seat & 31))) === 0) return false
      const latestMs = latestHeavyMs(seat)
      if (rank === heavyRank && dueMs > latestMs) return false
      const held = claimants.held(claimant.cell)
      if (held >= claimant.slots) return false
      const rival = entries.best(seat, latestMs)
      if (rival < 0) return true
      const rivals = claimants.held(entries.claimantOf(rival))
      return held < rivals || (held === rivals && dueMs < entries.dueMsOf(rival))
    },
    giveOut,
    giveOutAt: mask => eachSeat(mask, giveOut),
    giveOutAll() {
      for (let seat = 0; seat < seatCount; seat++) giveOut(seat)
    },
    reservedForMs() {
      let soonestMs: number | undefined
      for (let seat = 0; seat < seatCount; seat++) {
        if (!capacity.hasRoom(seat) || entries.best(seat, Number.POSITIVE_INFINITY) < 0) continue
        const reservedMs = Math.max(0, anticipation.reservedForMs(seat))
        soonestMs = Math.min(soonestMs ?? reservedMs, reservedMs)
      }
      return soonestMs
    }
  }
}

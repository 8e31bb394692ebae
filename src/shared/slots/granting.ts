import type { Anticipation } from './anticipation.ts'
import type { Capacity } from './capacity.ts'
import { type Claimants, uncounted } from './claimants.ts'
import type { SlotEntries } from './entries.ts'
import type { FailFast } from './fail-fast.ts'
import { eachSeat, heavyRank } from './layout.ts'
import type { SeatMask, SlotClaim } from './types.ts'
import type { Wake } from './wake.ts'

/** Decides who gets a slot. Only within the table's lock. */
export interface Granting {
  /** Whether a newcomer may have a slot of a seat before all who wait. */
  readonly isNext: (claim: SlotClaim, seat: number) => boolean
  /** Gives what is free at a seat to those with the best claims; their workers are woken. */
  readonly giveOut: (seat: number) => void
  /** The same at all seats of a mask; those that start slowly are the last resort. */
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
  failFast: FailFast,
  wake: Wake,
  now: () => number
): Granting {
  /** A catalog that aged past the head start of others need not stand back for light requests to come. */
  const latestHeavyMs = (seat: number) =>
    anticipation.reservedForMs(seat) > 0 ? now() : Number.POSITIVE_INFINITY

  function giveOutWhile(hasRoom: (seat: number) => boolean, seat: number): void {
    while (hasRoom(seat)) {
      const ticket = entries.best(seat, latestHeavyMs(seat), failFast.preferredTo(seat))
      if (ticket < 0) return
      entries.start(ticket, seat)
      wake.worker(entries.workerOf(ticket))
    }
  }

  const giveOut = (seat: number) => giveOutWhile(capacity.hasRoom, seat)
  const giveOutWarm = (seat: number) => giveOutWhile(capacity.hasWarmRoom, seat)
  const giveOutSlow = (seat: number) => {
    if (capacity.startsSlowly(seat)) giveOut(seat)
  }

  function eachOfAll(visit: (seat: number) => void): void {
    const seats = capacity.seatsInUse()
    for (let seat = 0; seat < seats; seat++) visit(seat)
  }

  return {
    isNext(claim, seat) {
      const { rank, mask, claimant = uncounted } = claim
      if (!capacity.hasRoom(seat) || ((mask[seat >>> 5] as number) & (1 << (seat & 31))) === 0) return false
      const latestMs = latestHeavyMs(seat)
      const preferred = failFast.preferredTo(seat)
      const isHeavy = rank === heavyRank
      const isFurther = claimants.isFurther(claim)
      const dueMs = isFurther ? (claim.furtherDueMs as number) : claim.dueMs
      if (dueMs > latestMs && (isHeavy || isFurther)) return false
      if (isHeavy && preferred && doMeet(mask, preferred)) return false
      const held = claimants.held(claimant.cell)
      if (held >= claimant.slots) return false
      const rival = entries.best(seat, latestMs, preferred)
      if (rival < 0) return true
      const rivals = claimants.held(entries.claimantOf(rival))
      return held < rivals || (held === rivals && dueMs < entries.dueMsOf(rival))
    },
    giveOut,
    giveOutAt(mask) {
      eachSeat(mask, giveOutWarm)
      eachSeat(mask, giveOutSlow)
    },
    giveOutAll() {
      eachOfAll(giveOutWarm)
      eachOfAll(giveOutSlow)
    },
    reservedForMs() {
      let soonestMs: number | undefined
      eachOfAll(seat => {
        if (!capacity.hasRoom(seat)) return
        if (entries.best(seat, Number.POSITIVE_INFINITY, failFast.preferredTo(seat)) < 0) return
        const reservedMs = Math.max(0, anticipation.reservedForMs(seat))
        soonestMs = Math.min(soonestMs ?? reservedMs, reservedMs)
      })
      return soonestMs
    }
  }
}

function doMeet(a: SeatMask, b: SeatMask): boolean {
  return a.some((word, index) => (word & (b[index] as number)) !== 0)
}

import type { Master } from '../../model/master.ts'
import type { SlotClaim, SlotUser } from '../../shared/slots/types.ts'
import type { SlotRequest } from './slot-request.ts'

export interface TakeNowDeps {
  readonly user: Pick<SlotUser, 'take' | 'learnGap'>
  readonly hasRoom: (seat: number) => boolean
  /** The same while others have room. */
  readonly hasWarmRoom: (seat: number) => boolean
}

/** Takes a slot that is free now: the ticket, or -1. */
export type TakeNow = (request: Pick<SlotRequest, 'pick' | 'eligible'>, claim: SlotClaim) => number

/** The pinned master first, then the others as the policy says; of those that start slowly more only after all others. */
export function createTakeNow({ user, hasRoom, hasWarmRoom }: TakeNowDeps): TakeNow {
  function takeAt(candidates: readonly Master[], pick: SlotRequest['pick'], claim: SlotClaim): number {
    let left = candidates
    for (let master = pick(left); master; master = pick(left)) {
      const ticket = user.take(claim, master.seat)
      if (ticket >= 0) return ticket
      const refused = master
      left = left.filter(each => each !== refused)
    }
    return -1
  }

  return ({ pick, eligible: { pinned, candidates } }, claim) => {
    if (pinned) {
      if (claim.rank === 0) user.learnGap(claim, pinned.seat)
      const ticket = user.take(claim, pinned.seat)
      if (ticket >= 0) return ticket
    }
    // Nearly always all of them have room.
    if (candidates.every(({ seat }) => hasWarmRoom(seat))) return takeAt(candidates, pick, claim)
    const warm = candidates.filter(({ seat }) => hasWarmRoom(seat))
    const ticket = takeAt(warm, pick, claim)
    if (ticket >= 0) return ticket
    const slow = candidates.filter(master => !warm.includes(master) && hasRoom(master.seat))
    return takeAt(slow, pick, claim)
  }
}

import { headStartMs, ranks } from '../../balance/queue-order.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import { isEmptyMask, isSameMask, type SeatMask } from '../../model/seat-mask.ts'
import { noPlace, type SlotClaim, type SlotUser } from '../../shared/slots/types.ts'
import { createHolds, type PlaceOfHold } from './holds.ts'
import { createReserveTimer } from './reserve-timer.ts'
import type { Hold, NoSlot, SlotRequest, WaitingRoom } from './slot-request.ts'
import { createTakeNow, type TakeNowDeps } from './take-now.ts'
import { startWaitTimers, type WaitTimers } from './wait-timers.ts'

/** Of the places in the queue, the share that catalogs may take: a run under way finds room for its files and report. */
const CATALOG_SHARE = 0.9

export interface WaitingRoomDeps extends Pick<TakeNowDeps, 'hasRoom' | 'hasWarmRoom'> {
  readonly user: SlotUser
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
  /** Requests that wait now in a queue, over all workers. */
  readonly depth: (queue: number) => number
  /** The catalogs among them. */
  readonly catalogs: (queue: number) => number
  /** Who sits on a seat. */
  readonly masterAt: (seat: number) => Master
  /** A defect showed while somebody was told; the others must not suffer from it. */
  readonly onDefect: (error: unknown) => void
}

interface Waiter {
  /** The seats it may have. */
  mask: SeatMask
  /** The number of its pool. */
  queue: number
  readonly queueAnew: SlotRequest['queue']
  readonly eligibleAnew: SlotRequest['eligibleAnew']
  readonly settle: (result: Master | NoSlot) => void
  readonly fail: SlotRequest['fail']
  readonly timers: WaitTimers
}

const nothing: Hold = Object.freeze({ release() {}, fail() {}, leave() {}, disown() {}, reconsider() {} })

export function createWaitingRoom(deps: WaitingRoomDeps): WaitingRoom {
  const { user, runtime, masterAt, onDefect } = deps
  const waiters = new Map<number, Waiter>()
  const releaseReservedLater = createReserveTimer(user, runtime)
  const holds = createHolds({
    user,
    runtime,
    masterAt,
    ended(ticket) {
      waiters.get(ticket)?.timers.cancel()
      waiters.delete(ticket)
    },
    reconsider(ticket) {
      const waiter = waiters.get(ticket)
      if (waiter) reconsiderOne(ticket, waiter)
    },
    freed: releaseReservedLater
  })
  let isClosed = false
  const takeNow = createTakeNow(deps)

  /** Another thread gave a slot to one of ours, or this one did. One wake-up may stand for several. */
  async function listen(): Promise<never> {
    for (;;) {
      await user.woken()
      settleGranted()
    }
  }
  void listen()

  function settleGranted(): void {
    for (const [ticket, waiter] of waiters) {
      settleIfGranted(ticket, waiter)
    }
    releaseReservedLater()
  }

  /** A defect of one must not reach the others, who are told next. */
  function settleIfGranted(ticket: number, waiter: Waiter): void {
    try {
      const seat = user.seatOf(ticket)
      if (seat >= 0) settle(ticket, waiter, masterAt(seat))
    } catch (error) {
      failOne(ticket, waiter, error)
    }
  }

  function settle(ticket: number, waiter: Waiter, result: Master | NoSlot): void {
    waiters.delete(ticket)
    waiter.timers.cancel()
    waiter.settle(result)
  }

  /** A defect of one must not stop the others, nor keep a slot from them. */
  function tell(request: SlotRequest, result: Master | NoSlot, hold: Hold): void {
    try {
      request.settle(result, hold)
    } catch (error) {
      hold.release()
      onDefect(error)
    }
  }

  function turnAway(ticket: number, waiter: Waiter, why: NoSlot): void {
    user.release(ticket)
    settle(ticket, waiter, why)
  }

  /** A defect of one must not reach the others, who are looked at next. */
  function reconsiderOne(ticket: number, waiter: Waiter): void {
    try {
      lookAnew(ticket, waiter)
    } catch (error) {
      failOne(ticket, waiter, error)
    }
  }

  function lookAnew(ticket: number, waiter: Waiter): void {
    const eligible = waiter.eligibleAnew()
    if (eligible) {
      // Nearly always a snapshot changes nothing for those who wait.
      const queue = waiter.queueAnew?.() ?? 0
      if (queue === waiter.queue && isSameMask(eligible.mask, waiter.mask)) return
      waiter.mask = eligible.mask
      waiter.queue = queue
      waiter.timers.setAway(isEmptyMask(eligible.mask))
      user.remask(ticket, eligible.mask, queue)
    } else if (user.seatOf(ticket) < 0) turnAway(ticket, waiter, 'no-master')
  }

  function failOne(ticket: number, waiter: Waiter, defect: unknown): void {
    waiters.delete(ticket)
    waiter.timers.cancel()
    user.release(ticket)
    try {
      waiter.fail(defect)
    } catch (error) {
      onDefect(error)
    }
  }

  function isFull({ rank, limit }: SlotRequest, queue: number): boolean {
    // The one that asks counts among those who wait by now.
    if (deps.depth(queue) > limit) return true
    return rank === 'catalog' && deps.catalogs(queue) > Math.ceil(CATALOG_SHARE * limit)
  }

  function waitFor(request: SlotRequest, ticket: number, queue: number): Hold {
    const place = holds.of(ticket)
    try {
      enter(request, ticket, queue, place)
    } catch (error) {
      place.hold.release()
      throw error
    }
    releaseReservedLater()
    return place.hold
  }

  function enter(
    request: SlotRequest,
    ticket: number,
    queue: number,
    { hold, begin, lapse }: PlaceOfHold
  ): void {
    const { mask } = request.eligible
    const timers = startWaitTimers(
      request.limits(),
      runtime,
      why => turnAway(ticket, waiter, why),
      defect => failOne(ticket, waiter, defect)
    )
    const waiter: Waiter = {
      mask,
      queue,
      queueAnew: request.queue,
      eligibleAnew: request.eligibleAnew,
      settle(result) {
        if (typeof result === 'string') lapse()
        else begin()
        tell(request, result, hold)
      },
      fail(defect) {
        lapse()
        request.fail(defect)
      },
      timers
    }
    waiters.set(ticket, waiter)
    timers.setAway(isEmptyMask(mask))
  }

  function refuse(request: SlotRequest, why: NoSlot): Hold {
    tell(request, why, nothing)
    return nothing
  }

  return {
    ask(request) {
      const { eligible } = request
      const queue = request.queue?.() ?? 0
      const claim: SlotClaim = {
        rank: ranks.indexOf(request.rank),
        queue,
        dueMs: request.sinceMs + headStartMs[request.rank],
        furtherDueMs: request.sinceMs + headStartMs.catalog,
        mask: eligible.mask,
        claimant: request.claimant
      }
      const taken = takeNow(request, claim)
      const ticket = taken >= 0 ? taken : user.wait(claim)
      if (ticket < 0) return refuse(request, ticket === noPlace ? 'certname-queue-full' : 'queue-full')
      const seat = user.seatOf(ticket)
      if (seat >= 0) {
        const { hold } = holds.of(ticket)
        tell(request, masterAt(seat), hold)
        return hold
      }
      if (!isClosed && !isFull(request, queue)) return waitFor(request, ticket, queue)
      user.release(ticket)
      return refuse(request, isClosed ? 'queue-timeout' : 'queue-full')
    },
    reconsider() {
      for (const [ticket, waiter] of waiters) reconsiderOne(ticket, waiter)
    },
    close() {
      isClosed = true
      for (const [ticket, waiter] of waiters) {
        if (user.seatOf(ticket) < 0) turnAway(ticket, waiter, waiter.timers.reason())
      }
    },
    dropGhosts: holds.dropGhosts
  }
}

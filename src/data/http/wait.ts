import type { Eligible } from '../../balance/eligibility.ts'
import { headStartMs, type Rank, ranks } from '../../balance/queue-order.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { SeatMask } from '../../model/seat-mask.ts'
import type { SlotClaim, SlotUser } from '../../shared/slots/types.ts'

/** Of the places in the queue, the share that catalogs may take: a run under way finds room for its files and report. */
const CATALOG_SHARE = 0.9

/**
 * Longest wait of a request that its agent would not send again. The agent's own patience comes first: two minutes
 * before Puppet 4, without end in 4 and 5, ten minutes from 6 on. But nothing is to wait here for ever, and an hour is
 * what later agents give to a whole run (`runtimeout`).
 */
export const LONGEST_WAIT_MS = 3_600_000

/** Why a request got no slot. */
export type NoSlot = 'queue-full' | 'queue-timeout' | 'no-master'

/** A request for a JRuby. */
export interface SlotRequest {
  readonly rank: Rank
  /** When it first asked for one, which decides its turn. */
  readonly sinceMs: number
  /** How long it has waited before, for masters that then failed it. */
  readonly waitedMs: number
  /** Most requests that may wait, over all workers. */
  readonly limit: number
  /** How long it waits unless it may wait on. */
  readonly timeoutMs: number
  /** Whether it may wait on after the timeout: asked for then. */
  readonly mayWaitOn: () => boolean
  /** Who may have it now. */
  readonly eligible: Eligible
  /** Who may have it by now, asked for with every snapshot. `undefined`: nobody is left. */
  readonly eligibleAnew: () => Eligible | undefined
  /** Picks the best of several that have room. */
  readonly pick: (candidates: readonly Master[]) => Master | undefined
  /** Called once, perhaps before `ask` returns: with the master whose slot it has, or why there is none. */
  readonly settle: (result: Master | NoSlot, hold: Hold) => void
}

/** A place among those who wait, or a slot. */
export interface Hold {
  /** Gives it back; more than once is as good as once. `isServed`: the master did what was asked, and found no fault. */
  readonly release: (isServed?: boolean) => void
  /**
   * The agent has left while its master works on: the slot stays taken until it is released. `drop` is called when
   * the master turns out to be done without having answered.
   */
  readonly leave: (drop: () => void) => void
}

/** The requests of this worker that wait for a JRuby, and those that have one. */
export interface WaitingRoom {
  readonly ask: (request: SlotRequest) => Hold
  /** There is a new snapshot: those who wait may have others now; those for whom nobody is left are sent away. */
  readonly reconsider: () => void
  /** Drops those whose agent left before a time, at a master that says it is done with them. */
  readonly dropGhosts: (masterId: number, leftBeforeMs: number) => void
}

export interface WaitingRoomDeps {
  readonly user: SlotUser
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
  /** Requests that wait now, over all workers. */
  readonly depth: () => number
  /** The catalogs among them. */
  readonly catalogs: () => number
  readonly hasRoom: (seat: number) => boolean
  /** Who sits on a seat. */
  readonly masterAt: (seat: number) => Master
  /** A defect showed while somebody was told; the others must not suffer from it. */
  readonly onDefect: (error: unknown) => void
}

interface Waiter {
  /** The seats it may have. */
  mask: SeatMask
  readonly eligibleAnew: SlotRequest['eligibleAnew']
  readonly settle: (result: Master | NoSlot) => void
  readonly cancelTimeout: () => void
}

interface Ghost {
  readonly leftAtMs: number
  readonly master: Master
  readonly drop: () => void
}

const nothing: Hold = Object.freeze({ release() {}, leave() {} })

export function createWaitingRoom(deps: WaitingRoomDeps): WaitingRoom {
  const { user, runtime, masterAt, onDefect } = deps
  const waiters = new Map<number, Waiter>()
  const ghosts = new Map<number, Ghost>()
  const releaseReservedLater = createReserveTimer(user, runtime)

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
      const seat = user.seatOf(ticket)
      if (seat >= 0) settle(ticket, waiter, masterAt(seat))
    }
    releaseReservedLater()
  }

  function settle(ticket: number, waiter: Waiter, result: Master | NoSlot): void {
    waiters.delete(ticket)
    waiter.cancelTimeout()
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

  function isFull({ rank, limit }: SlotRequest): boolean {
    // The one that asks counts among those who wait by now.
    if (deps.depth() > limit) return true
    return rank === 'catalog' && deps.catalogs() > Math.ceil(CATALOG_SHARE * limit)
  }

  /** Takes a slot that is free now: the ticket, or -1. */
  function takeNow({ pick, eligible: { pinned, candidates } }: SlotRequest, claim: SlotClaim): number {
    if (pinned) {
      if (claim.rank === 0) user.learnGap(pinned.seat)
      const ticket = user.take(claim, pinned.seat)
      if (ticket >= 0) return ticket
    }
    let left = withRoom(candidates, deps.hasRoom)
    for (let master = pick(left); master; master = pick(left)) {
      const ticket = user.take(claim, master.seat)
      if (ticket >= 0) return ticket
      const refused = master
      left = left.filter(each => each !== refused)
    }
    return -1
  }

  /** `onSettle` is told when the slot's time begins. */
  function holdOf(ticket: number): {
    readonly hold: Hold
    readonly begin: (result: Master | NoSlot) => void
  } {
    let isHeld = true
    let sinceMs = runtime.now()
    const hold: Hold = {
      release(isServed = false) {
        if (!isHeld) return
        isHeld = false
        waiters.get(ticket)?.cancelTimeout()
        waiters.delete(ticket)
        ghosts.delete(ticket)
        user.release(ticket, isServed ? runtime.now() - sinceMs : undefined)
        releaseReservedLater()
      },
      leave(drop) {
        if (!isHeld) return
        user.leave(ticket)
        ghosts.set(ticket, { leftAtMs: runtime.now(), master: masterAt(user.seatOf(ticket)), drop })
      }
    }
    const begin = (result: Master | NoSlot) => {
      sinceMs = runtime.now()
      if (typeof result === 'string') isHeld = false
    }
    return { hold, begin }
  }

  function waitFor(request: SlotRequest, ticket: number): Hold {
    const { hold, begin } = holdOf(ticket)
    const giveUp = () => turnAway(ticket, waiter, 'queue-timeout')
    const waiter: Waiter = {
      mask: request.eligible.mask,
      eligibleAnew: request.eligibleAnew,
      settle(result) {
        begin(result)
        tell(request, result, hold)
      },
      cancelTimeout: () => cancel()
    }
    let cancel = runtime.schedule(Math.max(0, request.timeoutMs - request.waitedMs), () => {
      if (!request.mayWaitOn()) giveUp()
      else cancel = runtime.schedule(Math.max(0, LONGEST_WAIT_MS - request.timeoutMs), giveUp)
    })
    waiters.set(ticket, waiter)
    releaseReservedLater()
    return hold
  }

  function refuse(request: SlotRequest, why: NoSlot): Hold {
    tell(request, why, nothing)
    return nothing
  }

  return {
    ask(request) {
      const { eligible } = request
      const claim: SlotClaim = {
        rank: ranks.indexOf(request.rank),
        dueMs: request.sinceMs + headStartMs[request.rank],
        mask: eligible.mask
      }
      const taken = takeNow(request, claim)
      const ticket = taken >= 0 ? taken : user.wait(claim)
      if (ticket < 0) return refuse(request, 'queue-full')
      const seat = user.seatOf(ticket)
      if (seat >= 0) {
        const { hold } = holdOf(ticket)
        tell(request, masterAt(seat), hold)
        return hold
      }
      if (!isFull(request)) return waitFor(request, ticket)
      user.release(ticket)
      return refuse(request, 'queue-full')
    },
    reconsider() {
      for (const [ticket, waiter] of waiters) {
        const eligible = waiter.eligibleAnew()
        if (eligible) {
          // Nearly always a snapshot changes nothing for those who wait.
          if (isSameMask(eligible.mask, waiter.mask)) continue
          waiter.mask = eligible.mask
          user.remask(ticket, eligible.mask)
        } else if (user.seatOf(ticket) < 0) turnAway(ticket, waiter, 'no-master')
      }
    },
    dropGhosts(masterId, leftBeforeMs) {
      for (const { leftAtMs, master, drop } of ghosts.values()) {
        if (leftAtMs < leftBeforeMs && master.id === masterId) drop()
      }
    }
  }
}

function isSameMask(a: SeatMask, b: SeatMask): boolean {
  return a === b || a.every((word, index) => word === b[index])
}

/** All of them where all have room, which is nearly always. */
function withRoom(candidates: readonly Master[], hasRoom: (seat: number) => boolean): readonly Master[] {
  return candidates.every(({ seat }) => hasRoom(seat))
    ? candidates
    : candidates.filter(({ seat }) => hasRoom(seat))
}

/** When a slot is reserved from catalogs that wait, nobody else wakes them once it is not any more. */
function createReserveTimer(user: SlotUser, runtime: Pick<Runtime, 'now' | 'schedule'>): () => void {
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  return function releaseReservedLater() {
    const reservedMs = user.reservedForMs()
    if (reservedMs === undefined) return
    const atMs = runtime.now() + reservedMs
    if (timer && timer.atMs <= atMs) return
    timer?.cancel()
    const cancel = runtime.schedule(reservedMs, () => {
      timer = undefined
      user.releaseReserved()
      releaseReservedLater()
    })
    timer = { atMs, cancel }
  }
}

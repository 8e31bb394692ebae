import type { Runtime } from '../../model/runtime.ts'
import type { Endpoint } from '../../puppet/endpoint.ts'
import type { SlotClaim, SlotUser } from '../../shared/slots/types.ts'

/** The queue's ranks, first come first, by the name they have in metrics. */
export const ranks = ['light', 'report', 'catalog'] as const
export type Rank = (typeof ranks)[number]

/**
 * Milliseconds a newcomer of a better rank may be late and still go first: the ageing. A catalog that waited this
 * long goes before a light request that came just now. In a herd all catalogs wait long; were this less than they do,
 * every file of every run would queue behind them. It is less than agents wait by themselves, ten minutes from 6 on.
 */
const headStartMs: Readonly<Record<Rank, number>> = { light: 0, report: 10_000, catalog: 240_000 }

/** Of the places in the queue, the share that catalogs may take: a run under way finds room for its files and report. */
const CATALOG_SHARE = 0.9

/**
 * Longest wait of a request that its agent would not send again. The agent's own patience comes first: two minutes
 * before Puppet 4, without end in 4 and 5, ten minutes from 6 on. But nothing is to wait here for ever, and an hour is
 * what later agents give to a whole run (`runtimeout`).
 */
export const LONGEST_WAIT_MS = 3_600_000

/** The rank of a request that needs a JRuby; `undefined` for one that needs none and never waits. */
export function rankOf({
  class: endpointClass,
  compiles
}: Pick<Endpoint, 'class' | 'compiles'>): Rank | undefined {
  if (compiles) return 'catalog'
  switch (endpointClass) {
    case 'report':
      return 'report'
    case 'light':
    case 'filebucket':
    case 'other':
      return 'light'
    default:
      return undefined
  }
}

/** Why a request got no slot. */
export type NoSlot = 'queue-full' | 'queue-timeout' | 'no-master'

export interface SlotRequest {
  readonly rank: Rank
  /** When it first asked for one, which decides its turn. */
  readonly sinceMs: number
  /** How long it has waited before, for masters that then failed it. */
  readonly waitedMs: number
  /** Whether it may wait on after the timeout: asked for then. */
  readonly mayWaitOn: () => boolean
  /** The one master it should go to, or -1. */
  readonly pinned: number
  readonly tried: readonly number[]
  /** The master it would like best. */
  readonly first: number
  /** All that could serve it, best first; asked for only when the first has no room. */
  readonly order: () => readonly number[]
  /** Called once, perhaps before `ask` returns: with a master's index and its slot, or why there is none. */
  readonly settle: (result: number | NoSlot, hold: Hold) => void
}

/** A place in the queue, or a slot. */
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
export interface SlotQueue {
  readonly ask: (request: SlotRequest) => Hold
  /** Sends those away for whom no master is left that they have not tried. */
  readonly dismissStranded: () => void
  /** Drops those whose agent left before a time, at a master that says it is done with them. */
  readonly dropGhosts: (masterIndex: number, leftBeforeMs: number) => void
}

interface Waiter {
  readonly settle: (result: number | NoSlot) => void
  readonly cancelTimeout: () => void
}

interface Ghost {
  readonly leftAtMs: number
  readonly drop: () => void
}

const nothing: Hold = Object.freeze({ release() {}, leave() {} })

export function createSlotQueue(deps: {
  readonly user: SlotUser
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
  /** Requests that wait now, over all workers. */
  readonly depth: () => number
  /** The catalogs among them. */
  readonly catalogs: () => number
  readonly limit: number
  /** How long a request waits that may not wait on. */
  readonly timeoutMs: number
}): SlotQueue {
  const { user, runtime, depth, catalogs, limit, timeoutMs } = deps
  const waiters = new Map<number, Waiter>()
  const ghosts = new Map<number, Ghost>()

  /** Another thread gave a slot to one of ours, or this one did. It rings once for several. */
  async function listen(): Promise<never> {
    for (;;) {
      await user.granted()
      for (const [ticket, waiter] of waiters) {
        const master = user.masterOf(ticket)
        if (master >= 0) settle(ticket, waiter, master)
      }
      offerLater()
    }
  }
  void listen()

  function settle(ticket: number, waiter: Waiter, result: number | NoSlot): void {
    waiters.delete(ticket)
    waiter.cancelTimeout()
    waiter.settle(result)
  }

  function turnAway(ticket: number, waiter: Waiter, why: NoSlot): void {
    user.release(ticket)
    settle(ticket, waiter, why)
  }

  let offer: { readonly atMs: number; readonly cancel: () => void } | undefined

  /** When a slot is kept from catalogs that wait, nobody else wakes them once it is not any more. */
  function offerLater(): void {
    const keptMs = user.keptMs()
    if (keptMs === undefined) return
    const atMs = runtime.now() + keptMs
    if (offer && offer.atMs <= atMs) return
    offer?.cancel()
    const cancel = runtime.schedule(keptMs, () => {
      offer = undefined
      user.offer()
      offerLater()
    })
    offer = { atMs, cancel }
  }

  return {
    ask(request) {
      const claim: SlotClaim = {
        rank: ranks.indexOf(request.rank),
        claim: request.sinceMs + headStartMs[request.rank],
        pinned: request.pinned,
        tried: request.tried
      }
      const preferred = request.pinned >= 0 ? request.pinned : request.first
      const taken = user.take(claim, preferred)
      const got = taken >= 0 ? { ticket: taken, master: preferred } : user.ask(claim, request.order())
      if (!got) {
        request.settle('queue-full', nothing)
        return nothing
      }
      const { ticket, master } = got
      // It counts among those that wait by now.
      if (
        master < 0 &&
        (depth() > limit || (request.rank === 'catalog' && catalogs() > Math.ceil(CATALOG_SHARE * limit)))
      ) {
        user.release(ticket)
        request.settle('queue-full', nothing)
        return nothing
      }
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
          offerLater()
        },
        leave(drop) {
          if (!isHeld) return
          user.leave(ticket)
          ghosts.set(ticket, { leftAtMs: runtime.now(), drop })
        }
      }
      if (master >= 0) {
        request.settle(master, hold)
        return hold
      }
      const waiter: Waiter = {
        settle(result) {
          sinceMs = runtime.now()
          if (typeof result !== 'number') isHeld = false
          request.settle(result, hold)
        },
        cancelTimeout: () => cancel()
      }
      const giveUp = () => turnAway(ticket, waiter, 'queue-timeout')
      let cancel = runtime.schedule(Math.max(0, timeoutMs - request.waitedMs), () => {
        if (!request.mayWaitOn()) giveUp()
        else cancel = runtime.schedule(Math.max(0, LONGEST_WAIT_MS - timeoutMs), giveUp)
      })
      waiters.set(ticket, waiter)
      offerLater()
      return hold
    },
    dismissStranded() {
      for (const [ticket, waiter] of waiters)
        if (user.isStranded(ticket)) turnAway(ticket, waiter, 'no-master')
    },
    dropGhosts(masterIndex, leftBeforeMs) {
      for (const [ticket, { leftAtMs, drop }] of ghosts) {
        if (leftAtMs < leftBeforeMs && user.masterOf(ticket) === masterIndex) drop()
      }
    }
  }
}

import type { Eligible } from '../../balance/eligibility.ts'
import type { Rank } from '../../balance/queue-order.ts'
import type { Master } from '../../model/master.ts'
import { maskOf } from '../../model/seat-mask.ts'
import type { Claimant } from '../../shared/slots/types.ts'

/** Why a request got no slot. */
export type NoSlot = 'queue-full' | 'certname-queue-full' | 'queue-timeout' | 'no-master'

/** Nobody may have a request now; somebody may with a later snapshot, or when its body has room. */
export const nobodyYet: Eligible = Object.freeze({ pinned: undefined, candidates: [], mask: maskOf([]) })

/** Until when a request waits, on the clock of `sinceMs`. */
export interface WaitLimits {
  /** Unless it may wait on. */
  readonly untilMs: number
  /** Whether it may wait on after that: asked for then. */
  readonly mayWaitOn: () => boolean
  /** If it may. */
  readonly latestMs: number
  /** While no master may have it: asked for when that begins. `undefined`: it waits for something else. */
  readonly awayUntilMs: (() => number) | undefined
}

/** A request for a JRuby. */
export interface SlotRequest {
  readonly rank: Rank
  /** Who asks. `undefined`: somebody who is not counted. */
  readonly claimant?: Claimant | undefined
  /** When it first asked for one, which decides its turn. */
  readonly sinceMs: number
  /** The number of the pool whose masters it wants by now. Default: 0. */
  readonly queue?: (() => number) | undefined
  /** Most requests that may wait in its queue, over all workers. */
  readonly limit: number
  /** Asked for when it has to wait. */
  readonly limits: () => WaitLimits
  /** Who may have it now. */
  readonly eligible: Eligible
  /** Who may have it by now, asked for with every snapshot. `undefined`: nobody is left. */
  readonly eligibleAnew: () => Eligible | undefined
  /** Picks the best of several that have room. */
  readonly pick: (candidates: readonly Master[]) => Master | undefined
  /** Called once, perhaps before `ask` returns: with the master whose slot it has, or why there is none. */
  readonly settle: (result: Master | NoSlot, hold: Hold) => void
  /** Called in place of `settle` when a defect of ours came between; it waits no more. */
  readonly fail: (defect: unknown) => void
}

/** A place among those who wait, or a slot. */
export interface Hold {
  /** Gives it back; more than once is as good as once. `isServed`: the master did what was asked, and found no fault. */
  readonly release: (isServed?: boolean) => void
  /** Gives it back: the master failed the catalog, and is not to get the next one for having been so quick about it. */
  readonly fail: () => void
  /**
   * The agent has left while its master works on: the slot stays taken until it is released. `drop` is called when
   * the master turns out to be done without having answered.
   */
  readonly leave: (drop: () => void) => void
  /** The request is at another master from now on: the slot, left as well, counts no more for who asked. */
  readonly disown: () => void
  /** Who may have it has changed: looks at that anew, if it waits. */
  readonly reconsider: () => void
}

/** The requests of this worker that wait for a JRuby, and those that have one. */
export interface WaitingRoom {
  readonly ask: (request: SlotRequest) => Hold
  /** There is a new snapshot: those who wait may have others now; those for whom nobody is left are sent away. */
  readonly reconsider: () => void
  /** From now on nobody waits: those who do are told so. */
  readonly close: () => void
  /** Drops those whose agent left before a time, at a master that says it is done with them. */
  readonly dropGhosts: (masterId: number, leftBeforeMs: number) => void
}

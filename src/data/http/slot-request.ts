import type { Eligible } from '../../balance/eligibility.ts'
import type { Rank } from '../../balance/queue-order.ts'
import type { Master } from '../../model/master.ts'
import type { Claimant } from '../../shared/slots/types.ts'

/** Why a request got no slot. */
export type NoSlot = 'queue-full' | 'certname-queue-full' | 'queue-timeout' | 'no-master'

/** A request for a JRuby. */
export interface SlotRequest {
  readonly rank: Rank
  /** Who asks. `undefined`: somebody who is not counted. */
  readonly claimant?: Claimant | undefined
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
  /** Called in place of `settle` when a defect of ours came between; it waits no more. */
  readonly fail: (defect: unknown) => void
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

/**
 * Who runs and who waits at the masters' JRubies, over all threads: one table in shared memory, changed under one
 * lock. A request that needs a JRuby holds an entry from the moment it asks until its slot is free again. Each
 * worker owns a part of the entries, so that all it held can be found and freed when it dies.
 */
export interface SlotTable {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** Says which masters take work and how much; then gives what is free to those who wait. Whole, for all masters. */
  readonly setMasters: (rooms: readonly MasterRoom[]) => void
  /** Begins with one request at a time at a master that is new or came back, and more as it completes them. */
  readonly startSlowly: (masterIndex: number) => void
  /** Frees all that a dead worker held or waited for. */
  readonly removeWorker: (worker: number) => void
  /** Slots taken at a master. */
  readonly taken: (masterIndex: number) => number
  /** Of those taken, how many serve an agent that has left. */
  readonly ghosts: (masterIndex: number) => number
  /** Requests a master may run now: its JRubies, fewer while it starts slowly. */
  readonly capacity: (masterIndex: number) => number
  readonly foreign: (masterIndex: number) => number
  /** Requests that wait, over all ranks. */
  readonly depth: () => number
  /** Requests that wait, by rank. */
  readonly waiting: (rank: number) => number
  /** Milliseconds until those who wait now would all be served, by what requests took lately. */
  readonly forecastMs: () => number
  /** A worker's own hands on the table. */
  readonly join: (worker: number) => SlotUser
}

/** What a master can take. */
export interface MasterRoom {
  /** Its place among the tiers, 0 first; negative while it takes no new work. */
  readonly tier: number
  /** How many requests it may run for us at once. */
  readonly capacity: number
  /** Whether it serves what is pinned to it even while it takes no new work. */
  readonly finishesRuns?: boolean
  /** Requests it runs for others, which leave less room for ours. */
  readonly foreign: number
}

/** A request for a slot. */
export interface SlotClaim {
  /** Its queue: 0 goes first. */
  readonly rank: number
  /** Milliseconds on a clock all threads share; among those who wait the smallest goes first. */
  readonly claim: number
  /** Takes this master's slot and no other while that master takes work; negative for any. */
  readonly pinned: number
  /** Masters that were tried already. */
  readonly tried: readonly number[]
}

export interface SlotUser {
  /**
   * Takes a slot at one master now or not at all: its ticket, or -1. To be called once for each claim, before `ask`: by
   * those pinned to it, a master's gap between light requests is learnt.
   */
  readonly take: (claim: SlotClaim, master: number) => number
  /**
   * Takes a slot at the master that `order` names first among those with room, unless somebody with a better
   * claim waits for it. Returns the ticket and the master; a master of -1 means the ticket waits. `undefined`:
   * this worker's part of the table is full.
   */
  readonly ask: (
    claim: SlotClaim,
    order: readonly number[]
  ) => { readonly ticket: number; readonly master: number } | undefined
  /** The master a ticket has got; -1 while it waits. */
  readonly masterOf: (ticket: number) => number
  /** The agent of a ticket that holds a slot has left; its master works on, so the slot stays taken. */
  readonly leave: (ticket: number) => void
  /**
   * Gives a ticket back, whether it waits or holds a slot; what it held goes to whoever has the best claim.
   * `servedMs`: how long the master took to serve it; `undefined` when it did not.
   */
  readonly release: (ticket: number, servedMs?: number) => void
  /**
   * Milliseconds until a slot that is kept for light requests is free for somebody who waits for it, 0 when it is by
   * now; `undefined` when nobody waits who could have one.
   */
  readonly keptMs: () => number | undefined
  /** Gives what is free to those who wait: to be called when a slot was kept for long enough. */
  readonly offer: () => void
  /** Whether no master is left that a ticket has not tried. */
  readonly isStranded: (ticket: number) => boolean
  /**
   * Resolves when one of this worker's tickets may have got a slot, or a slot may be kept from one of them: look at
   * both, then wait anew.
   */
  readonly granted: () => Promise<void>
}

export interface SlotTableSize {
  readonly workers: number
  readonly masters: number
  /** Entries of each worker: the most requests it can have running and waiting together. */
  readonly entries: number
}

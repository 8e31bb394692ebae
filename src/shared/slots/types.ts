/**
 * Who runs and who waits at the masters' JRubies, over all threads: one table in shared memory, changed under one
 * lock. A request that needs a JRuby holds an entry from the moment it asks until its slot is free again. Each
 * worker owns a part of the entries, so that all it held can be found and freed when it dies.
 *
 * The table knows seats, ranks, due times and masks. Which seats a request may have is decided elsewhere
 * (`balance/eligibility`) and told to the table as a mask.
 */
export interface SlotTable {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /**
   * Says which seats take work and how much; a seat that is not named takes none. Then gives what is free to those
   * who wait. Whole, for all seats. Resolves when it is done: the lock may have to be taken from a dead thread first.
   */
  readonly setSeats: (seats: ReadonlyMap<number, SeatLimits>) => Promise<void>
  /** Forgets all that is known of a seat's last occupant, for a new one. Nothing may be counted there any more. */
  readonly resetSeat: (seat: number) => Promise<void>
  /**
   * Begins with one request at a time at a master that is new or came back, and more as it completes them; but whoever
   * finds no room elsewhere has any JRuby of it.
   */
  readonly startSlowly: (seat: number) => Promise<void>
  /** Frees all that a dead worker held or waited for, its hold of the lock included. */
  readonly removeWorker: (worker: number) => Promise<void>
  /** Slots taken at a seat. */
  readonly taken: (seat: number) => number
  /** Of those taken, how many serve an agent that has left. */
  readonly ghosts: (seat: number) => number
  /** Catalogs that failed too soon at a seat and count there as if they still ran. */
  readonly failed: (seat: number) => number
  /** JRubies of a seat. */
  readonly capacity: (seat: number) => number
  /** Of these, how many are to be used while others have room: fewer while it starts slowly. */
  readonly warm: (seat: number) => number
  readonly foreign: (seat: number) => number
  /** Whether a seat takes work and could run one more request now. The only idea of room there is. */
  readonly hasRoom: (seat: number) => boolean
  /** The same while others have room: false for a master that starts slowly and runs all that it is to. */
  readonly hasWarmRoom: (seat: number) => boolean
  /** Requests that wait, over all ranks: in all queues, or in one. */
  readonly depth: (queue?: number) => number
  /** Requests that wait, by rank. */
  readonly waiting: (rank: number, queue?: number) => number
  /**
   * Milliseconds until those who wait now in a queue would all be served, by what requests of it took lately; 0 while no
   * seat takes new runs for it, since nobody knows then. Of a seat that several queues share, each has as much as waits
   * in it. Default: queue 0.
   */
  readonly forecastMs: (queue?: number) => number
  /** Mean milliseconds that requests of a queue take, by rank; 0 while none was served. */
  readonly meansMs: (queue: number) => readonly number[]
  /** Begins a queue with these means where none was learnt yet. */
  readonly learnMeans: (queue: number, meansMs: readonly number[]) => Promise<void>
  /** A worker's own hands on the table. */
  readonly join: (worker: number) => SlotUser
}

/** What a seat can take. */
export interface SeatLimits {
  /** How many requests it may run for us at once. */
  readonly capacity: number
  /** Requests it runs for others, which leave less room for ours. */
  readonly foreign: number
  /**
   * JRubies of it that are left to another process of this balancer, one that takes over or was taken over from.
   * Exact, so that nobody tries his luck there. Default: none.
   */
  readonly lent?: number
  /** Whether it is among those that new runs are given to, which the forecast counts on. */
  readonly takesNewRuns: boolean
  /** For which queues it does that, a bit each. Default: queue 0. */
  readonly queues?: number | undefined
}

/** Seats, a bit each, in words of 32: seat 33 is bit 1 of word 1. */
export type SeatMask = Int32Array

/** A request for a slot. */
export interface SlotClaim {
  /** 0 goes first. */
  readonly rank: number
  /** Whose masters it waits for: the number of a pool, which it is counted by. Default: 0. */
  readonly queue?: number | undefined
  /**
   * Milliseconds on a clock all threads share; among those who wait the smallest goes first, but nobody's second
   * request before another's first.
   */
  readonly dueMs: number
  /**
   * When it is due in place of `dueMs` if its claimant has another request that waits or runs. It is then passed over like
   * one of the heavy rank. Strangers apart, who are many. Default: no other time.
   */
  readonly furtherDueMs?: number | undefined
  /** The seats it may have. */
  readonly mask: SeatMask
  /** Who asks. `undefined`: somebody who is not counted. */
  readonly claimant?: Claimant | undefined
}

/** Somebody whose requests are counted together, over all workers: one agent, or all strangers. */
export interface Claimant {
  /** Where it is counted; see `claimantCell`. */
  readonly cell: number
  /** Slots it may hold at once; its further requests wait. */
  readonly slots: number
  /** Requests of it that may wait. */
  readonly places: number
}

/** Why nobody could join those who wait: the worker's part of the table is full, or all places of the claimant are taken. */
export const noEntry = -1
export const noPlace = -2

/** A ticket names an entry of the table: a request that waits, runs, or whose agent has left. */
export interface SlotUser {
  /**
   * Takes a slot at one seat now or not at all: its ticket, or -1 when there is no room or somebody with a better
   * claim waits for it.
   */
  readonly take: (claim: SlotClaim, seat: number) => number
  /**
   * A light request of a run came to the seat it is pinned to; to be told once for each such request, before `take`. One
   * that its claimant asks for beside another request teaches nothing.
   */
  readonly learnGap: (claim: SlotClaim, seat: number) => void
  /**
   * Joins those who wait; the ticket may have got a slot by the time this returns (`seatOf`). Less than 0: `noEntry`
   * or `noPlace`.
   */
  readonly wait: (claim: SlotClaim) => number
  /** The seat a ticket has got; -1 while it waits. */
  readonly seatOf: (ticket: number) => number
  /**
   * The seats that a waiting ticket may have are others now, and perhaps the queue it is counted in. Does nothing to one
   * that has a slot.
   */
  readonly remask: (ticket: number, mask: SeatMask, queue?: number) => void
  /** The agent of a ticket that holds a slot has left; its master works on, so the slot stays taken. */
  readonly leave: (ticket: number) => void
  /** Its claimant has what it asked for elsewhere: the slot stays taken until it is released, and counts for nobody. */
  readonly disown: (ticket: number) => void
  /**
   * Gives a ticket back, whether it waits or holds a slot; what it held goes to whoever has the best claim.
   * `servedMs`: how long the master took to serve it; `undefined` when it did not.
   */
  readonly release: (ticket: number, servedMs?: number) => void
  /**
   * Gives a catalog's slot back that failed after `tookMs`. When that was sooner than catalogs are served, the result is
   * for how many milliseconds it counts on at its master, to be released then; 0: it was released.
   */
  readonly fail: (ticket: number, tookMs: number) => number
  /**
   * Milliseconds until a slot that is reserved for light requests is free for somebody who waits for it, 0 when it is
   * by now; `undefined` when nobody waits who could have one.
   */
  readonly reservedForMs: () => number | undefined
  /** Gives what is free to those who wait: to be called when a slot was reserved for long enough. */
  readonly releaseReserved: () => void
  /**
   * Resolves when one of this worker's tickets may have got a slot, or a slot may be reserved from one of them: look
   * at both, then wait anew.
   */
  readonly woken: () => Promise<void>
}

export interface SlotTableSize {
  readonly workers: number
  /** Entries of each worker: the most requests it can have running and waiting together. */
  readonly entries: number
}

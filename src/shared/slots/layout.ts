import { seatCount } from '../../model/master.ts'

/** Where things are in the slot table's memory, in cells of 32 bits. */

/** Queues by rank; see `SlotClaim`. */
export const rankCount = 3
/** The rank of requests of which a run has many, one after the other. */
export const lightRank = 0
/** The rank of requests that keep a JRuby for seconds, where the others keep it for milliseconds. */
export const heavyRank = rankCount - 1

/** What an entry stands for. A ghost is a request that its master works on though its agent has left. */
export const state = { free: 0, waiting: 1, running: 2, ghost: 3 } as const
/** Cells of an entry; the words of its mask are the last ones. */
export const entryCells = { state: 0, rank: 1, seat: 2, mask: 3 } as const
export const MASK_WORDS = seatCount / 32
export const ENTRY_SIZE = entryCells.mask + MASK_WORDS

/** Cells of a seat. */
export const seatCells = {
  isOpen: 0,
  takesNewRuns: 1,
  capacity: 2,
  foreign: 3,
  taken: 4,
  ghosts: 5,
  warmth: 6
} as const
export const SEAT_SIZE = 7

/** Cells of a worker: its wake-up count, and how many of its entries wait. */
export const workerCells = { wake: 0, waiters: 1 } as const
export const WORKER_SIZE = 2

export const LOCK = 0
/** Requests that wait, and after it the same by rank. */
export const DEPTH = 1
export const WAITING = 2
export const HEADER_SIZE = WAITING + rankCount

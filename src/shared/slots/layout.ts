/** Where things are in the slot table's memory, in cells of 32 bits. */

/** Queues by rank; see `SlotClaim`. */
export const rankCount = 3
/** The rank of requests of which a run has many, one after the other. */
export const lightRank = 0
/** The rank of requests that keep a JRuby for seconds, where the others keep it for milliseconds. */
export const heavyRank = rankCount - 1

/** What an entry stands for. A ghost is a request that its master works on though its agent has left. */
export const state = { free: 0, waiting: 1, running: 2, ghost: 3 } as const
/** Cells of an entry. */
export const entryCells = { state: 0, rank: 1, pinned: 2, tried: 3, master: 4 } as const
export const ENTRY_SIZE = 5
/** Cells of a master. */
export const roomCells = {
  tier: 0,
  capacity: 1,
  foreign: 2,
  taken: 3,
  warmth: 4,
  ghosts: 5,
  finishes: 6
} as const
export const ROOM_SIZE = 7
/** Cells of a worker: its wake-up count, and how many of its entries wait. */
export const WORKER_SIZE = 2
export const LOCK = 0
/** Requests that wait, and after it the same by rank. */
export const DEPTH = 1
export const WAITING = 2
export const HEADER_SIZE = WAITING + rankCount

/** Masters tried are a bit each in one cell. */
export const maxMasters = 32

/** Masters by index, a bit each. */
export function bitsOf(indexes: readonly number[]): number {
  return indexes.length === 0 ? 0 : indexes.reduce((bits, index) => bits | (1 << index), 0)
}

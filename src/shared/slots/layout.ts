import { seatCount } from '../../model/master.ts'
import { queueCount } from '../../model/pool.ts'
import type { SlotTableSize } from './types.ts'

/** Where things are in the slot table's memory, in cells of 32 bits, and behind them in numbers of 64 bits. */

/** Ranks in each queue; see `SlotClaim`. */
export const rankCount = 3
/** The rank of requests of which a run has many, one after the other. */
export const lightRank = 0
/** The rank of requests that keep a JRuby for seconds, where the others keep it for milliseconds. */
export const heavyRank = rankCount - 1

/**
 * What an entry stands for. A ghost is a request that its master works on though its agent has left. A failed one is a
 * catalog that its master failed too soon; it counts there for as long as it would have run.
 */
export const state = { free: 0, waiting: 1, running: 2, ghost: 3, failed: 4 } as const

/** The first cell of all. */
export const LOCK = 0
/** How many seats there are up to the last one that takes work: hardly ever more than a few of all. */
export const SEATS_IN_USE = 1
/** Requests that wait, and after it the same by rank, and by queue and rank. */
export const DEPTH = 2
export const WAITING = 3
export const WAITING_IN = WAITING + rankCount
export const HEADER_SIZE = WAITING_IN + queueCount * rankCount

/** Cells of a seat. */
export const seatCells = {
  /** 1 while it takes work. */
  takesWork: 0,
  /** The queues whose new runs are given to it, a bit each. */
  takesNewRuns: 1,
  capacity: 2,
  foreign: 3,
  taken: 4,
  ghosts: 5,
  /** Tenths of a request that it is to run while it starts slowly; 0 when it does not. */
  warmth: 6,
  /** Catalogs that it failed too soon and that still count. */
  failed: 7,
  /** JRubies that another process of this balancer holds, as it tells. */
  lent: 8
} as const
export const SEAT_SIZE = 9

/**
 * Cells that claimants are counted in. Two that share one are bounded together, and one of them stands back for the other.
 * So there are a hundred times as many as names that wait in the worst hour; they take 12 MiB.
 */
export const CLAIMANTS = 1 << 20
/** What strangers count as held before they hold anything: so whoever else waits goes first. Theirs is the cell behind. */
export const STRANGERS_HELD = 1_000_000

/** Words of a mask of seats. */
export const MASK_SIZE = seatCount / 32

/** The table's memory, cut into its parts. Those of entries lie apart, so that a scan for waiters is short. */
export interface SlotMemory {
  readonly buffer: SharedArrayBuffer
  readonly cells: Int32Array
  /** Cells of the first seat. */
  readonly seatsAt: number
  /** By worker: counts what it is to look at, and so wakes it. */
  readonly wakesAt: number
  /** By worker: its entries that wait. */
  readonly waitersAt: number
  /** By ticket: `state`, rank, queue, the seat it has or -1, and the words of its mask. */
  readonly statesAt: number
  readonly ranksAt: number
  readonly queuesAt: number
  readonly seatOfAt: number
  readonly masksAt: number
  /** By ticket: the cell its claimant is counted in, and how many slots that may hold. */
  readonly claimantsAt: number
  readonly boundsAt: number
  /** By ticket: 1 for one that its claimant asked for beside another. */
  readonly furtherAt: number
  /** By claimant: slots held, requests that wait, and catalogs that failed and still count. */
  readonly heldAt: number
  readonly placesAt: number
  readonly failedAt: number
  /** By ticket. */
  readonly dueMs: Float64Array
  /** By queue and rank: the mean time that a request takes. */
  readonly meansMs: Float64Array
  /** By seat: when the last light request ended, and the mean gap between two of a run; 0 when it is not known. */
  readonly lightEndedAtMs: Float64Array
  readonly gapsMs: Float64Array
}

/** A new memory, or the parts of a shared one of the same size. */
export function createSlotMemory(
  { workers, entries }: SlotTableSize,
  shared?: SharedArrayBuffer
): SlotMemory {
  const tickets = workers * entries
  let cellCount = 0
  const cut = (size: number) => {
    const at = cellCount
    cellCount += size
    return at
  }
  cut(HEADER_SIZE)
  const parts = {
    seatsAt: cut(seatCount * SEAT_SIZE),
    wakesAt: cut(workers),
    waitersAt: cut(workers),
    statesAt: cut(tickets),
    ranksAt: cut(tickets),
    queuesAt: cut(tickets),
    seatOfAt: cut(tickets),
    masksAt: cut(tickets * MASK_SIZE),
    claimantsAt: cut(tickets),
    boundsAt: cut(tickets),
    furtherAt: cut(tickets),
    heldAt: cut(CLAIMANTS + 1),
    placesAt: cut(CLAIMANTS + 1),
    failedAt: cut(CLAIMANTS + 1)
  }
  cut(cellCount % 2)
  let bytes = cellCount * Int32Array.BYTES_PER_ELEMENT
  const sizes = [tickets, queueCount * rankCount, seatCount, seatCount]
  const numbersBytes = sizes.reduce((sum, size) => sum + size, 0) * Float64Array.BYTES_PER_ELEMENT
  const buffer = shared ?? new SharedArrayBuffer(bytes + numbersBytes)
  const [dueMs, meansMs, lightEndedAtMs, gapsMs] = sizes.map(size => {
    const part = new Float64Array(buffer, bytes, size)
    bytes += part.byteLength
    return part
  }) as [Float64Array, Float64Array, Float64Array, Float64Array]
  if (!shared) lightEndedAtMs.fill(Number.NEGATIVE_INFINITY)
  const cells = new Int32Array(buffer, 0, cellCount)
  if (!shared) cells[parts.heldAt + CLAIMANTS] = STRANGERS_HELD
  return {
    buffer,
    cells,
    ...parts,
    dueMs,
    meansMs,
    lightEndedAtMs,
    gapsMs
  }
}

/** The seats of a mask, lowest first. */
export function eachSeat(mask: Int32Array, visit: (seat: number) => void): void {
  for (let word = 0; word < MASK_SIZE; word++) {
    for (let bits = mask[word] as number; bits !== 0; bits &= bits - 1)
      visit(word * 32 + 31 - Math.clz32(bits & -bits))
  }
}

/** A mask of these seats. */
export function maskOf(seats: Iterable<number>): Int32Array {
  const mask = new Int32Array(MASK_SIZE)
  for (const seat of seats) mask[seat >>> 5] = (mask[seat >>> 5] as number) | (1 << (seat & 31))
  return mask
}

import type { SeatCapacity } from './capacity.ts'
import {
  DEPTH,
  ENTRY_SIZE,
  entryCells,
  HEADER_SIZE,
  heavyRank,
  MASK_WORDS,
  state,
  WAITING,
  WORKER_SIZE,
  workerCells
} from './layout.ts'
import type { SeatMask, SlotClaim, SlotTableSize } from './types.ts'

/**
 * The requests in the slot table, by their tickets: who waits and who runs where, and how many. Changes only within
 * the table's lock.
 */
export interface SlotEntries {
  /** Files a claim as one that waits. */
  readonly file: (ticket: number, claim: SlotClaim) => void
  /** The seats that one that waits may have. Nothing happens to one that does not wait. */
  readonly remask: (ticket: number, mask: SeatMask) => boolean
  /** Lets one that waits run at a seat. */
  readonly start: (ticket: number, seat: number) => void
  /** Its agent has left and its master works on. Nothing happens to one that does not run. */
  readonly leave: (ticket: number) => void
  /** Frees an entry; the seat whose slot it held, or -1. */
  readonly free: (ticket: number) => number
  readonly seatOf: (ticket: number) => number
  readonly rankOf: (ticket: number) => number
  /** The best claim that waits and may have a seat, or -1; none of the heavy rank that is due after `latestHeavyMs`. */
  readonly best: (seat: number, latestHeavyMs: number) => number
  /** Requests that wait, over all ranks. */
  readonly depth: () => number
  readonly waiting: (rank: number) => number
  /** Frees all entries of a worker that died, and counts anew: it may have died in the middle of a change. */
  readonly forget: (worker: number) => void
}

/** Entries in the cells from `base` on: first what is kept of each worker, then of each ticket. */
export function createSlotEntries(
  cells: Int32Array,
  dueMs: Float64Array,
  base: number,
  { workers, entries }: SlotTableSize,
  seats: SeatCapacity
): SlotEntries {
  // Between lock and unlock plain reads and writes are safe: the atomics on the lock order them.
  const get = (at: number) => cells[at] as number
  const set = (at: number, value: number) => {
    cells[at] = value
  }
  const add = (at: number, value: number) => set(at, get(at) + value)
  const firstEntry = base + workers * WORKER_SIZE
  const entryAt = (ticket: number) => firstEntry + ticket * ENTRY_SIZE
  const waitersOf = (worker: number) => base + worker * WORKER_SIZE + workerCells.waiters
  const workerOf = (ticket: number) => Math.floor(ticket / entries)

  function countWaiting(ticket: number, change: 1 | -1): void {
    add(WAITING + get(entryAt(ticket) + entryCells.rank), change)
    add(DEPTH, change)
    add(waitersOf(workerOf(ticket)), change)
  }

  function recount(): void {
    seats.forgetTaken()
    cells.fill(0, DEPTH, HEADER_SIZE)
    for (let worker = 0; worker < workers; worker++) set(waitersOf(worker), 0)
    for (let ticket = 0; ticket < workers * entries; ticket++) {
      const entry = entryAt(ticket)
      if (get(entry + entryCells.state) === state.free) continue
      // The one that died had not written down yet where this one was to run.
      if (get(entry + entryCells.state) !== state.waiting && get(entry + entryCells.seat) < 0)
        set(entry + entryCells.state, state.waiting)
      const stands = get(entry + entryCells.state)
      if (stands === state.waiting) {
        set(entry + entryCells.seat, -1)
        countWaiting(ticket, 1)
      } else seats.take(get(entry + entryCells.seat))
      if (stands === state.ghost) seats.addGhost(get(entry + entryCells.seat))
    }
  }

  function writeMask(entry: number, mask: SeatMask): void {
    for (let word = 0; word < MASK_WORDS; word++) set(entry + entryCells.mask + word, mask[word] as number)
  }

  return {
    file(ticket, { rank, dueMs: due, mask }) {
      const entry = entryAt(ticket)
      set(entry + entryCells.rank, rank)
      dueMs[ticket] = due
      writeMask(entry, mask)
      set(entry + entryCells.seat, -1)
      set(entry + entryCells.state, state.waiting)
      countWaiting(ticket, 1)
    },
    remask(ticket, mask) {
      const entry = entryAt(ticket)
      if (get(entry + entryCells.state) !== state.waiting) return false
      writeMask(entry, mask)
      return true
    },
    start(ticket, seat) {
      countWaiting(ticket, -1)
      const entry = entryAt(ticket)
      set(entry + entryCells.state, state.running)
      // Read outside of the lock by the worker whose ticket it is.
      Atomics.store(cells, entry + entryCells.seat, seat)
      seats.take(seat)
    },
    leave(ticket) {
      const entry = entryAt(ticket)
      if (get(entry + entryCells.state) !== state.running) return
      set(entry + entryCells.state, state.ghost)
      seats.addGhost(get(entry + entryCells.seat))
    },
    free(ticket) {
      const entry = entryAt(ticket)
      const stood = get(entry + entryCells.state)
      set(entry + entryCells.state, state.free)
      if (stood === state.free) return -1
      if (stood === state.waiting) {
        countWaiting(ticket, -1)
        return -1
      }
      const seat = get(entry + entryCells.seat)
      if (stood === state.ghost) seats.removeGhost(seat)
      seats.give(seat)
      return seat
    },
    seatOf: ticket => Atomics.load(cells, entryAt(ticket) + entryCells.seat),
    rankOf: ticket => get(entryAt(ticket) + entryCells.rank),
    best(seat, latestHeavyMs) {
      const word = entryCells.mask + (seat >> 5)
      const bit = 1 << (seat & 31)
      let best = -1
      let bestDueMs = Number.POSITIVE_INFINITY
      for (let worker = 0; worker < workers; worker++) {
        let left = get(waitersOf(worker))
        for (let ticket = worker * entries; left > 0 && ticket < (worker + 1) * entries; ticket++) {
          const entry = entryAt(ticket)
          if (get(entry + entryCells.state) !== state.waiting) continue
          left--
          const due = dueMs[ticket] as number
          if (due >= bestDueMs || (get(entry + word) & bit) === 0) continue
          if (due > latestHeavyMs && get(entry + entryCells.rank) === heavyRank) continue
          best = ticket
          bestDueMs = due
        }
      }
      return best
    },
    depth: () => Atomics.load(cells, DEPTH),
    waiting: rank => Atomics.load(cells, WAITING + rank),
    forget(worker) {
      cells.fill(state.free, entryAt(worker * entries), entryAt((worker + 1) * entries))
      recount()
    }
  }
}

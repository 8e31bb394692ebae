import type { SlotRooms } from './capacity.ts'
import {
  bitsOf,
  DEPTH,
  ENTRY_SIZE,
  entryCells,
  HEADER_SIZE,
  heavyRank,
  state,
  WAITING,
  WORKER_SIZE
} from './layout.ts'
import type { SlotClaim, SlotTableSize } from './types.ts'

/**
 * The requests in the slot table, by their tickets: who waits and who runs where, and how many. Changes only within
 * the table's lock.
 */
export interface SlotEntries {
  /** Files a claim as one that waits. */
  readonly file: (ticket: number, claim: SlotClaim) => void
  /** Lets one that waits run at a master. */
  readonly start: (ticket: number, master: number) => void
  /** Its agent has left and its master works on. Nothing happens to one that does not run. */
  readonly leave: (ticket: number) => void
  /** Frees an entry; the master whose slot it held, or -1. */
  readonly free: (ticket: number) => number
  readonly masterOf: (ticket: number) => number
  readonly rankOf: (ticket: number) => number
  /** Whether no master is left that a ticket has not tried and that takes work now, or may soon again. */
  readonly isStranded: (ticket: number) => boolean
  readonly mayGoTo: (ticket: number, master: number) => boolean
  /** The best claim that waits for a master and may go there, or -1; none of the heavy rank after `latestHeavy`. */
  readonly best: (master: number, latestHeavy: number) => number
  /** Requests that wait, over all ranks. */
  readonly depth: () => number
  readonly waiting: (rank: number) => number
  /** Frees all entries of a worker that died, and counts anew: it may have died in the middle of a change. */
  readonly forget: (worker: number) => void
}

/** Entries in the cells from `base` on: first what is kept of each worker, then of each ticket. */
export function createSlotEntries(
  cells: Int32Array,
  claims: Float64Array,
  base: number,
  { workers, entries }: Pick<SlotTableSize, 'workers' | 'entries'>,
  rooms: SlotRooms
): SlotEntries {
  // Between lock and unlock plain reads and writes are safe: the atomics on the lock order them.
  const get = (at: number) => cells[at] as number
  const set = (at: number, value: number) => {
    cells[at] = value
  }
  const add = (at: number, value: number) => set(at, get(at) + value)
  const entryAt = (ticket: number) => base + workers * WORKER_SIZE + ticket * ENTRY_SIZE
  const waitersOf = (worker: number) => base + worker * WORKER_SIZE + 1
  const workerOf = (ticket: number) => Math.floor(ticket / entries)

  function countWaiting(ticket: number, change: 1 | -1): void {
    add(WAITING + get(entryAt(ticket) + entryCells.rank), change)
    add(DEPTH, change)
    add(waitersOf(workerOf(ticket)), change)
  }

  function mayGoTo(ticket: number, master: number): boolean {
    const entry = entryAt(ticket)
    const tried = get(entry + entryCells.tried)
    if ((tried & (1 << master)) !== 0) return false
    const pinned = get(entry + entryCells.pinned)
    if (pinned === master) return true
    if (pinned >= 0 && rooms.isOpen(pinned) && (tried & (1 << pinned)) === 0) return false
    return rooms.tierOf(master) === rooms.bestTier(tried)
  }

  function recount(): void {
    rooms.forgetTaken()
    cells.fill(0, DEPTH, HEADER_SIZE)
    for (let worker = 0; worker < workers; worker++) set(waitersOf(worker), 0)
    for (let ticket = 0; ticket < workers * entries; ticket++) {
      const entry = entryAt(ticket)
      // It died before it had written down where this one was to run.
      if (get(entry + entryCells.state) === state.running && get(entry + entryCells.master) < 0)
        set(entry + entryCells.state, state.waiting)
      const stands = get(entry + entryCells.state)
      if (stands === state.waiting) countWaiting(ticket, 1)
      else if (stands !== state.free) rooms.take(get(entry + entryCells.master))
      if (stands === state.ghost) rooms.haunt(get(entry + entryCells.master), 1)
    }
  }

  return {
    file(ticket, { rank, claim, pinned, tried }) {
      const entry = entryAt(ticket)
      set(entry + entryCells.state, state.waiting)
      set(entry + entryCells.rank, rank)
      claims[ticket] = claim
      set(entry + entryCells.pinned, pinned)
      set(entry + entryCells.tried, bitsOf(tried))
      set(entry + entryCells.master, -1)
      countWaiting(ticket, 1)
    },
    start(ticket, master) {
      countWaiting(ticket, -1)
      const entry = entryAt(ticket)
      set(entry + entryCells.state, state.running)
      set(entry + entryCells.master, master)
      rooms.take(master)
    },
    leave(ticket) {
      const entry = entryAt(ticket)
      if (get(entry + entryCells.state) !== state.running) return
      set(entry + entryCells.state, state.ghost)
      rooms.haunt(get(entry + entryCells.master), 1)
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
      const master = get(entry + entryCells.master)
      if (stood === state.ghost) rooms.haunt(master, -1)
      rooms.give(master)
      return master
    },
    masterOf: ticket => Atomics.load(cells, entryAt(ticket) + entryCells.master),
    rankOf: ticket => get(entryAt(ticket) + entryCells.rank),
    isStranded: ticket => !rooms.hasOther(get(entryAt(ticket) + entryCells.tried)),
    mayGoTo,
    best(master, latestHeavy) {
      let best = -1
      let bestClaim = Number.POSITIVE_INFINITY
      for (let worker = 0; worker < workers; worker++) {
        let left = get(waitersOf(worker))
        for (let ticket = worker * entries; left > 0 && ticket < (worker + 1) * entries; ticket++) {
          const entry = entryAt(ticket)
          if (get(entry + entryCells.state) !== state.waiting) continue
          left--
          const claim = claims[ticket] as number
          if (claim >= bestClaim || !mayGoTo(ticket, master)) continue
          if (claim > latestHeavy && get(entry + entryCells.rank) === heavyRank) continue
          best = ticket
          bestClaim = claim
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

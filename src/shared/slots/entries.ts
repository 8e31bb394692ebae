import type { Capacity } from './capacity.ts'
import { type Claimants, strangers, uncounted } from './claimants.ts'
import {
  DEPTH,
  HEADER_SIZE,
  heavyRank,
  MASK_SIZE,
  rankCount,
  type SlotMemory,
  state,
  WAITING,
  WAITING_IN
} from './layout.ts'
import type { SeatMask, SlotClaim, SlotTableSize } from './types.ts'

/**
 * The requests in the slot table, by their tickets: who waits and who runs where, and how many. Changes only within
 * the table's lock.
 */
export interface SlotEntries {
  /** Enters a claim as one that waits. */
  readonly enterWaiting: (ticket: number, claim: SlotClaim) => void
  /** Enters a claim as one that runs at a seat. */
  readonly enterRunning: (ticket: number, claim: SlotClaim, seat: number) => void
  /** Lets one that waits run at a seat. */
  readonly start: (ticket: number, seat: number) => void
  /** Its agent has left and its master works on. Nothing happens to one that does not run. */
  readonly leave: (ticket: number) => void
  /**
   * What one that runs holds counts for nobody from now on: its claimant has it elsewhere. Strangers have one slot in
   * all, wherever that is.
   */
  readonly disown: (ticket: number) => void
  /** One that runs failed too soon: it holds no slot any more, and counts there until it is freed. */
  readonly fail: (ticket: number) => void
  /** Frees an entry; the seat where it ran or counted, or -1. */
  readonly free: (ticket: number) => number
  /** Gives one that waits another mask, and another queue if need be, and says whether it waits. */
  readonly remask: (ticket: number, mask: SeatMask, queue?: number) => boolean
  /** Whether its claimant asked for it beside another request. */
  readonly isFurther: (ticket: number) => boolean
  readonly isFree: (ticket: number) => boolean
  /** Whether it holds a slot, with its agent or without. */
  readonly runs: (ticket: number) => boolean
  readonly seatOf: (ticket: number) => number
  readonly rankOf: (ticket: number) => number
  readonly queueOf: (ticket: number) => number
  readonly dueMsOf: (ticket: number) => number
  readonly workerOf: (ticket: number) => number
  readonly claimantOf: (ticket: number) => number
  /**
   * The best claim that waits and may go to a seat, or -1. None of the heavy rank that may go to one of the seats of
   * `preferred` as well; none of that rank, and no further one of its claimant, that is due after `latestHeavyMs`; none of a
   * claimant that holds all it may. Whose claimant holds the fewest slots goes first, then who is due first.
   */
  readonly best: (seat: number, latestHeavyMs: number, preferred: SeatMask | undefined) => number
  /** Requests that wait, over all ranks: in all queues, or in one. */
  readonly depth: (queue?: number) => number
  readonly waiting: (rank: number, queue?: number) => number
  /** Frees all entries of a worker that died, and counts anew: it may have died in the middle of a change. */
  readonly forget: (worker: number) => void
}

/** The entries' part of the slot table. */
export function createSlotEntries(
  memory: SlotMemory,
  { workers, entries }: SlotTableSize,
  capacity: Capacity,
  claimants: Claimants
): SlotEntries {
  const { cells, waitersAt, statesAt, ranksAt, queuesAt, seatOfAt, masksAt, dueMs } = memory
  const { claimantsAt, boundsAt, furtherAt } = memory
  // Between lock and unlock plain reads and writes are safe: the atomics on the lock order them.
  const get = (at: number) => cells[at] as number
  const set = (at: number, value: number) => {
    cells[at] = value
  }
  const add = (at: number, change: 1 | -1) => set(at, get(at) + change)
  const workerOf = (ticket: number) => Math.floor(ticket / entries)
  const claimantOf = (ticket: number) => get(claimantsAt + ticket)
  const waitingIn = (queue: number, rank: number) =>
    Atomics.load(cells, WAITING_IN + queue * rankCount + rank)
  const isFurther = (ticket: number) => get(furtherAt + ticket) === 1
  const mayGoTo = (ticket: number, seat: number) =>
    (get(masksAt + ticket * MASK_SIZE + (seat >>> 5)) & (1 << (seat & 31))) !== 0

  function meets(ticket: number, mask: SeatMask): boolean {
    for (let word = 0; word < MASK_SIZE; word++)
      if ((get(masksAt + ticket * MASK_SIZE + word) & (mask[word] as number)) !== 0) return true
    return false
  }

  function countWaiting(ticket: number, change: 1 | -1): void {
    const rank = get(ranksAt + ticket)
    add(WAITING + rank, change)
    add(WAITING_IN + get(queuesAt + ticket) * rankCount + rank, change)
    add(DEPTH, change)
    add(waitersAt + workerOf(ticket), change)
    claimants.addWaiting(claimantOf(ticket), change)
  }

  function countRunning(ticket: number, seat: number): void {
    capacity.take(seat)
    claimants.addHeld(claimantOf(ticket), 1)
  }

  function countFailed(ticket: number, seat: number): void {
    capacity.addFailed(seat)
    claimants.addFailed(claimantOf(ticket), 1)
  }

  /** One that runs or whose agent has left runs no more. */
  function stop(ticket: number, seat: number): void {
    if (get(statesAt + ticket) === state.ghost) capacity.removeGhost(seat)
    capacity.give(seat)
    claimants.addHeld(claimantOf(ticket), -1)
  }

  function enter(ticket: number, claim: SlotClaim, seat: number): void {
    const { rank, queue = 0, dueMs: due, furtherDueMs = due, claimant = uncounted } = claim
    const isFurther = claimants.isFurther(claim)
    set(claimantsAt + ticket, claimant.cell)
    set(boundsAt + ticket, claimant.slots)
    set(ranksAt + ticket, rank)
    set(queuesAt + ticket, queue)
    set(seatOfAt + ticket, seat)
    set(furtherAt + ticket, isFurther ? 1 : 0)
    dueMs[ticket] = isFurther ? furtherDueMs : due
  }

  function recount(): void {
    capacity.forgetTaken()
    claimants.forget()
    cells.fill(0, DEPTH, HEADER_SIZE)
    cells.fill(0, waitersAt, waitersAt + workers)
    for (let ticket = 0; ticket < workers * entries; ticket++) {
      const seat = get(seatOfAt + ticket)
      // A thread died before it had written down where this one was to run.
      if (get(statesAt + ticket) === state.running && seat < 0) set(statesAt + ticket, state.waiting)
      const is = get(statesAt + ticket)
      if (is === state.waiting) countWaiting(ticket, 1)
      else if (is === state.failed) countFailed(ticket, seat)
      else if (is !== state.free) countRunning(ticket, seat)
      if (is === state.ghost) capacity.addGhost(seat)
    }
  }

  function best(seat: number, latestHeavyMs: number, preferred: SeatMask | undefined): number {
    let found = -1
    let fewest = Number.POSITIVE_INFINITY
    let earliestMs = Number.POSITIVE_INFINITY
    for (let worker = 0; worker < workers; worker++) {
      let left = get(waitersAt + worker)
      for (let ticket = worker * entries; left > 0 && ticket < (worker + 1) * entries; ticket++) {
        if (get(statesAt + ticket) !== state.waiting) continue
        left--
        const due = dueMs[ticket] as number
        // Nothing goes before a first request but a first request that is due earlier.
        if ((fewest === 0 && due >= earliestMs) || !mayGoTo(ticket, seat)) continue
        const isHeavy = get(ranksAt + ticket) === heavyRank
        if (due > latestHeavyMs && (isHeavy || isFurther(ticket))) continue
        if (isHeavy && preferred !== undefined && meets(ticket, preferred)) continue
        const held = claimants.held(claimantOf(ticket))
        if (held > fewest || (held === fewest && due >= earliestMs)) continue
        if (held >= get(boundsAt + ticket)) continue
        found = ticket
        fewest = held
        earliestMs = due
      }
    }
    return found
  }

  return {
    enterWaiting(ticket, claim) {
      enter(ticket, claim, -1)
      cells.set(claim.mask, masksAt + ticket * MASK_SIZE)
      set(statesAt + ticket, state.waiting)
      countWaiting(ticket, 1)
    },
    enterRunning(ticket, claim, seat) {
      enter(ticket, claim, seat)
      set(statesAt + ticket, state.running)
      countRunning(ticket, seat)
    },
    start(ticket, seat) {
      countWaiting(ticket, -1)
      // Its thread looks at the seat alone, and must see it only when nothing can take it back any more.
      set(statesAt + ticket, state.running)
      Atomics.store(cells, seatOfAt + ticket, seat)
      countRunning(ticket, seat)
    },
    leave(ticket) {
      if (get(statesAt + ticket) !== state.running) return
      set(statesAt + ticket, state.ghost)
      capacity.addGhost(get(seatOfAt + ticket))
    },
    disown(ticket) {
      if (claimantOf(ticket) === strangers.cell) return
      claimants.addHeld(claimantOf(ticket), -1)
      set(claimantsAt + ticket, uncounted.cell)
    },
    fail(ticket) {
      const seat = get(seatOfAt + ticket)
      stop(ticket, seat)
      set(statesAt + ticket, state.failed)
      countFailed(ticket, seat)
    },
    free(ticket) {
      const was = get(statesAt + ticket)
      if (was === state.free) return -1
      const seat = get(seatOfAt + ticket)
      if (was === state.waiting) countWaiting(ticket, -1)
      else if (was === state.failed) {
        capacity.removeFailed(seat)
        claimants.addFailed(claimantOf(ticket), -1)
      } else stop(ticket, seat)
      set(statesAt + ticket, state.free)
      return was === state.waiting ? -1 : seat
    },
    remask(ticket, mask, queue = get(queuesAt + ticket)) {
      if (get(statesAt + ticket) !== state.waiting) return false
      if (queue !== get(queuesAt + ticket)) {
        countWaiting(ticket, -1)
        set(queuesAt + ticket, queue)
        countWaiting(ticket, 1)
      }
      cells.set(mask, masksAt + ticket * MASK_SIZE)
      return true
    },
    isFurther,
    isFree: ticket => get(statesAt + ticket) === state.free,
    runs: ticket => get(statesAt + ticket) === state.running || get(statesAt + ticket) === state.ghost,
    seatOf: ticket => Atomics.load(cells, seatOfAt + ticket),
    rankOf: ticket => get(ranksAt + ticket),
    queueOf: ticket => get(queuesAt + ticket),
    dueMsOf: ticket => dueMs[ticket] as number,
    workerOf,
    claimantOf,
    best,
    depth(queue) {
      if (queue === undefined) return Atomics.load(cells, DEPTH)
      let depth = 0
      for (let rank = 0; rank < rankCount; rank++) depth += waitingIn(queue, rank)
      return depth
    },
    waiting: (rank, queue) =>
      queue === undefined ? Atomics.load(cells, WAITING + rank) : waitingIn(queue, rank),
    forget(worker) {
      cells.fill(state.free, statesAt + worker * entries, statesAt + (worker + 1) * entries)
      recount()
    }
  }
}

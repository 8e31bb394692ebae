import { seatCount } from '../model/master.ts'
import type { Runtime } from '../model/runtime.ts'
import { createSharedLock } from './lock.ts'

/**
 * Smooth weighted round robin, as nginx has it: weights 3:1 give a a b a. What each seat is owed lies in shared
 * memory, so shares are exact over all workers, and nothing starts over when masters or weights change.
 */
export interface Turns {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** The place in `seats` of the one whose turn it is; -1 when none has a weight above 0. */
  readonly next: (worker: number, seats: readonly Turn[]) => number
  /** Forgets what a seat's last occupant was owed: its next one begins with the others. For the control plane. */
  readonly resetSeat: (seat: number) => Promise<void>
  /** Frees the lock if a dead worker holds it; its successor may start once this has resolved. */
  readonly removeWorker: (worker: number) => Promise<void>
}

export interface Turn {
  readonly seat: number
  /** 0 or more; only its share of the sum counts. */
  readonly weight: number
}

/** Credits nearer to each other than this are equal, whatever rounding has made of them. */
const EQUAL = 1e-9
const LOCK = 0
/** In front of the credits, so that these are aligned. */
const HEADER_BYTES = 8

/** Turns of all seats, in a new buffer or in a shared one. */
export function createTurns(
  { workers, schedule }: { readonly workers: number } & Pick<Runtime, 'schedule'>,
  shared?: SharedArrayBuffer
): Turns {
  const buffer = shared ?? new SharedArrayBuffer(HEADER_BYTES + seatCount * Float64Array.BYTES_PER_ELEMENT)
  const lock = createSharedLock(new Int32Array(buffer), LOCK, { controlOwner: workers, schedule })
  /** Turns that a seat is owed, in fractions of one: so weights may change, and nobody makes up for the old ones. */
  const credits = new Float64Array(buffer, HEADER_BYTES)

  function takeTurn(seats: readonly Turn[], total: number): number {
    let best = -1
    let bestCredit = Number.NEGATIVE_INFINITY
    for (let index = 0; index < seats.length; index++) {
      const turn = seats[index] as Turn
      if (turn.weight <= 0) continue
      const credit = (credits[turn.seat] as number) + turn.weight / total
      credits[turn.seat] = credit
      if (credit <= bestCredit + EQUAL) continue
      best = index
      bestCredit = credit
    }
    credits[(seats[best] as Turn).seat] = bestCredit - 1
    return best
  }

  return Object.freeze({
    buffer,
    next(worker: number, seats: readonly Turn[]) {
      let total = 0
      for (const { weight } of seats) total += weight
      return total > 0 ? lock.alone(worker, () => takeTurn(seats, total)) : -1
    },
    resetSeat: (seat: number) =>
      lock.aloneSoon(() => {
        credits[seat] = 0
      }),
    // One that died half-way has moved a turn at most, which is no fault to repair.
    removeWorker: (worker: number) => lock.takeOverFrom(worker, () => {})
  })
}

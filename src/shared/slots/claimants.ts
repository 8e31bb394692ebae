import { fnv1a, mix } from '../../model/hash.ts'
import { CLAIMANTS, type SlotMemory, STRANGERS_HELD } from './layout.ts'
import type { Claimant, SlotClaim } from './types.ts'

/** Whoever is not counted: one request of it is as good as the first one of anybody, and there is no bound. */
export const uncounted: Claimant = Object.freeze({
  cell: 0,
  slots: 0x7fff_ffff,
  places: 0x7fff_ffff
})

/**
 * The cell that a certname is counted in, from 1. The seed is another one in each process, so nobody can look for a
 * certname that is counted with another's; two that are by chance share their bounds for as long as both ask.
 */
export function claimantCell(certname: string, seed: number): number {
  return 1 + (mix(fnv1a(certname, seed)) % (CLAIMANTS - 1))
}

/** All who show no certificate, taken together: one slot, a few places, and after everybody else. */
export const strangers: Claimant = Object.freeze({
  cell: CLAIMANTS,
  slots: STRANGERS_HELD + 1,
  places: 16
})

/** How much each claimant runs, waits for and was failed at, over all workers. Changes only within the table's lock. */
export interface Claimants {
  /**
   * Slots that a claimant holds, those of agents that have left included; 0 for who is not counted. Strangers count
   * from `STRANGERS_HELD`, more than anybody else ever holds.
   */
  readonly held: (cell: number) => number
  readonly waiting: (cell: number) => number
  /** Catalogs of a claimant that failed too soon and still count at their masters. */
  readonly failed: (cell: number) => number
  /** Whether a claim is to stand back, since its claimant has another request; see `SlotClaim`. */
  readonly isFurther: (claim: SlotClaim) => boolean
  readonly addHeld: (cell: number, change: 1 | -1) => void
  readonly addWaiting: (cell: number, change: 1 | -1) => void
  readonly addFailed: (cell: number, change: 1 | -1) => void
  /** Forgets everything, to be counted anew. */
  readonly forget: () => void
}

/** Counters in the slot table's memory. */
export function createClaimants({
  cells,
  heldAt,
  placesAt,
  failedAt
}: Pick<SlotMemory, 'cells' | 'heldAt' | 'placesAt' | 'failedAt'>): Claimants {
  const add = (at: number, change: 1 | -1) => {
    cells[at] = (cells[at] as number) + change
  }
  const held = (cell: number) => cells[heldAt + cell] as number
  const waiting = (cell: number) => cells[placesAt + cell] as number
  return {
    held,
    waiting,
    failed: cell => cells[failedAt + cell] as number,
    isFurther({ furtherDueMs, claimant: { cell } = uncounted }) {
      return furtherDueMs !== undefined && cell !== strangers.cell && held(cell) + waiting(cell) > 0
    },
    addHeld(cell, change) {
      if (cell !== uncounted.cell) add(heldAt + cell, change)
    },
    addWaiting(cell, change) {
      if (cell !== uncounted.cell) add(placesAt + cell, change)
    },
    addFailed(cell, change) {
      if (cell !== uncounted.cell) add(failedAt + cell, change)
    },
    forget() {
      cells.fill(0, heldAt, heldAt + CLAIMANTS)
      cells[heldAt + CLAIMANTS] = STRANGERS_HELD
      cells.fill(0, placesAt, placesAt + CLAIMANTS + 1)
      cells.fill(0, failedAt, failedAt + CLAIMANTS + 1)
    }
  }
}

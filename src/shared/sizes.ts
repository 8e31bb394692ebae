import { type Boot, maxQueueLimit } from '../model/settings.ts'
import type { SlotTableSize } from './slots/types.ts'

/** Certnames that can be pinned at once: four in each set. A pin is 32 bytes. */
const PIN_SETS = 8_192
/** A run that takes longer between two of its requests finds its pin gone; agents may take an hour in all. */
const PIN_LIFE_MS = 30 * 60_000
/** Counters of connections, by address and by certname, in each half of a table. A worker has 256 KiB of them. */
const TALLY_CELLS = 16_384
/** Requests a worker may have running beside those that wait. */
const RUNNING = 1_000

/** How large the shared tables are. Both planes must agree on it, and no reload changes it. */
export interface SharedSizes {
  readonly workers: number
  readonly slots: SlotTableSize
  readonly connections: { readonly workers: number; readonly cells: number }
  readonly pins: { readonly sets: number; readonly lifeMs: number }
}

/** A worker has room for the whole queue: the others may have died. */
export function sizesOf({ listen }: Pick<Boot, 'listen'>): SharedSizes {
  const workers = Math.max(1, listen.workers)
  return {
    workers,
    slots: { workers, entries: maxQueueLimit + RUNNING },
    connections: { workers, cells: TALLY_CELLS },
    pins: { sets: PIN_SETS, lifeMs: PIN_LIFE_MS }
  }
}

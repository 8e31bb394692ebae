import { type Boot, maxQueueLimit } from '../model/settings.ts'
import type { SlotTableSize } from './slots/types.ts'

/** Certnames that can be pinned at once: four in each set. A pin is 20 bytes. */
const PIN_SETS = 8_192
/** A run that takes longer between two of its requests finds its pin gone; agents may take an hour in all. */
const PIN_LIFE_MS = 30 * 60_000
/** Requests a worker may have running beside those that wait. */
const RUNNING = 1_000

/** How large the shared tables are: all planes must agree on it, so it depends on what cannot change alone. */
export function sizesOf({ listen }: Boot): {
  readonly workers: number
  readonly slots: SlotTableSize
  readonly pins: { readonly sets: number; readonly lifeMs: number }
} {
  const workers = Math.max(1, listen.workers)
  return {
    workers,
    slots: { workers, entries: maxQueueLimit + RUNNING },
    pins: { sets: PIN_SETS, lifeMs: PIN_LIFE_MS }
  }
}

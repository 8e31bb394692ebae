import type { Capacity } from './capacity.ts'
import type { SlotMemory } from './layout.ts'

/**
 * A light request of a run is followed by the next one as soon as the agent has read its answer. A catalog that took
 * the slot in this gap would keep it for seconds, and the run would wait at every file. So for a moment after a light
 * request the last free slot of a master is reserved: anticipatory scheduling, as disks have it. The moment is twice
 * the gap that the master's agents, their computers and the network between showed lately.
 */
export const ANTICIPATION = { gaps: 2, firstGapMs: 25, longestGapMs: 200 } as const

/** Which slots are reserved for light requests. Changes only within the table's lock. */
export interface Anticipation {
  /** Milliseconds for which the last free slot of a seat is not given to catalogs; 0 or less for one that is. */
  readonly reservedForMs: (seat: number) => number
  /** A light request of a run came to its seat: how long after the last light request there had ended. */
  readonly learnGap: (seat: number) => void
  readonly lightEnded: (seat: number) => void
  /** Forgets what is known of a seat's last occupant. */
  readonly reset: (seat: number) => void
}

/** `now`: milliseconds on the clock of the claims. */
export function createAnticipation(
  { lightEndedAtMs, gapsMs }: Pick<SlotMemory, 'lightEndedAtMs' | 'gapsMs'>,
  capacity: Pick<Capacity, 'room'>,
  now: () => number
): Anticipation {
  const gapMsOf = (seat: number) => (gapsMs[seat] as number) || ANTICIPATION.firstGapMs
  const endedAtMs = (seat: number) => lightEndedAtMs[seat] as number
  return {
    reservedForMs(seat) {
      if (capacity.room(seat) !== 1) return 0
      return endedAtMs(seat) + ANTICIPATION.gaps * gapMsOf(seat) - now()
    },
    learnGap(seat) {
      const gapMs = now() - endedAtMs(seat)
      if (gapMs > ANTICIPATION.longestGapMs) return
      const meanMs = gapMsOf(seat)
      gapsMs[seat] = meanMs + (gapMs - meanMs) / 20
    },
    lightEnded(seat) {
      lightEndedAtMs[seat] = now()
    },
    reset(seat) {
      lightEndedAtMs[seat] = Number.NEGATIVE_INFINITY
      gapsMs[seat] = 0
    }
  }
}

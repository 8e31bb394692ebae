import type { SeatCapacity } from './capacity.ts'

/**
 * A light request of a run is followed by the next one as soon as the agent has read its answer. A catalog that took
 * the slot in this gap would keep it for seconds, and the run would wait at every file. So for a moment after a light
 * request the last free slot of a master is reserved from catalogs: anticipatory scheduling, as disks have it. The
 * moment is twice the gap that the master's agents, their computers and the network between showed lately.
 */
export const ANTICIPATION = { gaps: 2, firstGapMs: 25, longestGapMs: 200 } as const

/** For how long the last free slot of a seat is reserved. Changes only within the table's lock. */
export interface Anticipation {
  /** Milliseconds for which the last free slot of a seat is not given to catalogs; 0 or less for one that is. */
  readonly reservedForMs: (seat: number) => number
  /** A light request of a run came to its master: how long after the last light request there had ended. */
  readonly learnGap: (seat: number) => void
  readonly lightEnded: (seat: number) => void
  readonly reset: (seat: number) => void
}

/** Both arrays have a place for each seat; `gapsMs` is 0 where none was learnt. */
export function createAnticipation(
  lightEndedAtMs: Float64Array,
  gapsMs: Float64Array,
  seats: Pick<SeatCapacity, 'room'>,
  now: () => number
): Anticipation {
  const gapOf = (seat: number) => (gapsMs[seat] as number) || ANTICIPATION.firstGapMs
  return {
    reservedForMs(seat) {
      if (seats.room(seat) !== 1) return 0
      return (lightEndedAtMs[seat] as number) + ANTICIPATION.gaps * gapOf(seat) - now()
    },
    learnGap(seat) {
      const gapMs = now() - (lightEndedAtMs[seat] as number)
      if (gapMs > ANTICIPATION.longestGapMs) return
      const meanMs = gapOf(seat)
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

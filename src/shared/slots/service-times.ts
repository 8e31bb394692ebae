import { rankCount, type SlotMemory } from './layout.ts'

/** How long requests take, by rank. Changes only within the table's lock. */
export interface ServiceTimes {
  /** A request was served. Its time counts a twentieth; the first one of a rank counts whole. */
  readonly learn: (rank: number, servedMs: number) => void
  /** What requests of a rank take; 0 while none was served. */
  readonly meanMs: (rank: number) => number
  /** How long one JRuby would work on so many requests of each rank. */
  readonly workMs: (waiting: (rank: number) => number) => number
}

/** Means in the slot table's memory. */
export function createServiceTimes({ meansMs }: Pick<SlotMemory, 'meansMs'>): ServiceTimes {
  return {
    learn(rank, servedMs) {
      const meanMs = meansMs[rank] as number
      meansMs[rank] = meanMs === 0 ? servedMs : meanMs + (servedMs - meanMs) / 20
    },
    meanMs: rank => meansMs[rank] as number,
    workMs(waiting) {
      let workMs = 0
      for (let rank = 0; rank < rankCount; rank++) workMs += waiting(rank) * (meansMs[rank] as number)
      return workMs
    }
  }
}

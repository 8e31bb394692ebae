import { rankCount, type SlotMemory } from './layout.ts'

/** How long requests take, by queue and rank. Changes only within the table's lock. */
export interface ServiceTimes {
  /** A request was served. Its time counts a twentieth; the first one of a queue's rank counts whole. */
  readonly learn: (queue: number, rank: number, servedMs: number) => void
  /** What requests of a rank take in a queue; 0 while none was served. */
  readonly meanMs: (queue: number, rank: number) => number
  /** How long one JRuby would work on so many requests of each rank of a queue. */
  readonly workMs: (queue: number, waiting: (rank: number) => number) => number
}

/** Means in the slot table's memory. */
export function createServiceTimes({ meansMs }: Pick<SlotMemory, 'meansMs'>): ServiceTimes {
  const meanMs = (queue: number, rank: number) => meansMs[queue * rankCount + rank] as number
  return {
    learn(queue, rank, servedMs) {
      const usualMs = meanMs(queue, rank)
      meansMs[queue * rankCount + rank] = usualMs === 0 ? servedMs : usualMs + (servedMs - usualMs) / 20
    },
    meanMs,
    workMs(queue, waiting) {
      let workMs = 0
      for (let rank = 0; rank < rankCount; rank++) workMs += waiting(rank) * meanMs(queue, rank)
      return workMs
    }
  }
}

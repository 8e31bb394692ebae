import { queueCount } from '../../model/pool.ts'
import type { Capacity } from './capacity.ts'
import type { SlotEntries } from './entries.ts'
import type { ServiceTimes } from './service-times.ts'

/** What the table counts and has learnt. */
export interface ForecastParts {
  readonly capacity: Pick<Capacity, 'forNewRuns' | 'queuesBeside'>
  readonly entries: Pick<SlotEntries, 'waiting'>
  readonly serviceTimes: Pick<ServiceTimes, 'workMs'>
}

/**
 * Milliseconds until those who wait in a queue would all be served; 0 where nobody knows. Seats that it shares with
 * other queues serve those as well: of what waits there, they are taken to do their share by JRubies.
 */
export function forecastOf(queue: number, { capacity, entries, serviceTimes }: ForecastParts): number {
  const workMs = (of: number) => serviceTimes.workMs(of, rank => entries.waiting(rank, of))
  const ownMs = workMs(queue)
  const bit = 1 << queue
  const servers = capacity.forNewRuns(bit)
  if (servers === 0) return 0
  let totalMs = ownMs
  const beside = capacity.queuesBeside(queue) & ~bit
  for (let other = 0; beside !== 0 && other < queueCount; other++) {
    if ((beside & (1 << other)) === 0) continue
    const othersMs = workMs(other)
    if (othersMs > 0)
      totalMs += (othersMs * capacity.forNewRuns(bit | (1 << other))) / capacity.forNewRuns(1 << other)
  }
  return totalMs / servers
}

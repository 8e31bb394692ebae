import type { Runtime } from '../../model/runtime.ts'
import { createSharedLock } from '../lock.ts'
import { createAnticipation } from './anticipation.ts'
import { createCapacity } from './capacity.ts'
import { createClaimants } from './claimants.ts'
import { createSlotEntries } from './entries.ts'
import { createFailFast } from './fail-fast.ts'
import { forecastOf } from './forecast.ts'
import { createGranting } from './granting.ts'
import { createSlotMemory, LOCK, rankCount } from './layout.ts'
import { createServiceTimes } from './service-times.ts'
import type { SeatLimits, SlotTable, SlotTableSize } from './types.ts'
import { createSlotUser } from './user.ts'
import { createWake } from './wake.ts'

/**
 * A new table, or a view of one that another thread made with the same size. `now`: milliseconds on the clock of
 * the claims, the same in all threads. What returns a promise is for the control plane alone; it is done at once when
 * the lock is free.
 */
export function createSlotTable(
  size: SlotTableSize,
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>,
  shared?: SharedArrayBuffer
): SlotTable {
  const { workers } = size
  const memory = createSlotMemory(size, shared)
  const lock = createSharedLock(memory.cells, LOCK, { controlOwner: workers, schedule })
  const capacity = createCapacity(memory)
  const claimants = createClaimants(memory)
  const entries = createSlotEntries(memory, size, capacity, claimants)
  const anticipation = createAnticipation(memory, capacity, now)
  const failFast = createFailFast(capacity)
  const wake = createWake(memory, workers)
  const granting = createGranting(capacity, entries, claimants, anticipation, failFast, wake, now)
  const serviceTimes = createServiceTimes(memory)
  const parts = { lock, capacity, entries, claimants, anticipation, granting, serviceTimes, wake }

  /**
   * Everybody is woken: what changed may have left a slot reserved for which nobody has set a timer, or a ticket
   * whose worker was not told.
   */
  function giveOutToAll(): void {
    granting.giveOutAll()
    wake.everybody()
  }

  return Object.freeze({
    buffer: memory.buffer,
    setSeats: (seats: ReadonlyMap<number, SeatLimits>) =>
      lock.aloneSoon(() => {
        capacity.set(seats)
        giveOutToAll()
      }),
    resetSeat: (seat: number) =>
      lock.aloneSoon(() => {
        capacity.reset(seat)
        anticipation.reset(seat)
      }),
    startSlowly: (seat: number) => lock.aloneSoon(() => capacity.startSlowly(seat)),
    removeWorker: (worker: number) =>
      lock.takeOverFrom(worker, () => {
        entries.forget(worker)
        giveOutToAll()
      }),
    taken: capacity.taken,
    ghosts: capacity.ghosts,
    failed: capacity.failed,
    capacity: capacity.capacity,
    warm: capacity.warm,
    foreign: capacity.foreign,
    hasRoom: capacity.hasRoom,
    hasWarmRoom: capacity.hasWarmRoom,
    depth: entries.depth,
    waiting: entries.waiting,
    forecastMs: (queue = 0) => (entries.depth() === 0 ? 0 : forecastOf(queue, parts)),
    meansMs: (queue: number) =>
      Array.from({ length: rankCount }, (_, rank) => serviceTimes.meanMs(queue, rank)),
    learnMeans: (queue: number, meansMs: readonly number[]) =>
      lock.aloneSoon(() => {
        for (const [rank, meanMs] of meansMs.slice(0, rankCount).entries())
          if (serviceTimes.meanMs(queue, rank) === 0) serviceTimes.learn(queue, rank, meanMs)
      }),
    join: (worker: number) => createSlotUser(parts, worker, size.entries)
  })
}

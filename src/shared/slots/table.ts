import type { Runtime } from '../../model/runtime.ts'
import { createSharedLock } from '../lock.ts'
import { createAnticipation } from './anticipation.ts'
import { createSeatCapacity } from './capacity.ts'
import { createSlotEntries } from './entries.ts'
import { heavyRank, LOCK, lightRank, rankCount, WORKER_SIZE, workerCells } from './layout.ts'
import { mapSlotMemory } from './memory.ts'
import type { SeatLimits, SlotTable, SlotTableSize, SlotUser } from './types.ts'
import { createSlotUser } from './user.ts'

/**
 * A new table, or a view of one that another thread made with the same size. `now`: milliseconds on the clock of
 * the claims, the same in every thread.
 */
export function createSlotTable(
  size: SlotTableSize,
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>,
  shared?: SharedArrayBuffer
): SlotTable {
  const { workers } = size
  const memory = mapSlotMemory(size, shared)
  const { buffer, cells, meansMs } = memory
  const lock = createSharedLock(cells, LOCK, { controlOwner: workers, schedule })
  const seats = createSeatCapacity(cells, memory.seatsAt)
  const requests = createSlotEntries(cells, memory.dueMs, memory.workersAt, size, seats)
  const anticipation = createAnticipation(memory.lightEndedAtMs, memory.gapsMs, seats, now)
  const grants = createGrants()

  /** Gives what is free to those with the best claims, and wakes their workers. Within the lock. */
  function createGrants() {
    const wakeCellOf = (worker: number) => memory.workersAt + worker * WORKER_SIZE + workerCells.wake

    /** Whose turn it is at a seat, or -1. A catalog that aged past the head start of others need not stand back. */
    const nextAt = (seat: number) =>
      requests.best(seat, anticipation.reservedForMs(seat) > 0 ? now() : Number.POSITIVE_INFINITY)

    function wake(worker: number): void {
      Atomics.add(cells, wakeCellOf(worker), 1)
      Atomics.notify(cells, wakeCellOf(worker))
    }

    function giveOut(seat: number): void {
      while (requests.depth() > 0 && seats.hasRoom(seat)) {
        const ticket = nextAt(seat)
        if (ticket < 0) return
        requests.start(ticket, seat)
        wake(Math.floor(ticket / size.entries))
      }
    }

    return {
      wakeCellOf,
      nextAt,
      giveOut,
      giveOutAll() {
        if (requests.depth() > 0) for (const seat of seats.open()) giveOut(seat)
      },
      /** What changed may have left a slot reserved for which nobody has set a timer, or a worker not told of a ticket. */
      wakeAll() {
        for (let worker = 0; worker < workers; worker++) wake(worker)
      }
    }
  }

  /** A request of a rank was served. Its time counts a twentieth; the first one of a rank counts whole. */
  function learn(rank: number, seat: number, servedMs: number): void {
    const meanMs = meansMs[rank] as number
    meansMs[rank] = meanMs === 0 ? servedMs : meanMs + (servedMs - meanMs) / 20
    seats.warm(seat, rank === heavyRank)
    if (rank === lightRank) anticipation.lightEnded(seat)
  }

  return Object.freeze({
    buffer,
    async setSeats(limits: ReadonlyMap<number, SeatLimits>) {
      await lock.aloneSoon(() => {
        seats.set(limits)
        grants.giveOutAll()
      })
      grants.wakeAll()
    },
    resetSeat: (seat: number) =>
      lock.aloneSoon(() => {
        seats.reset(seat)
        anticipation.reset(seat)
      }),
    startSlowly: (seat: number) => lock.aloneSoon(() => seats.startSlowly(seat)),
    async removeWorker(worker: number) {
      await lock.takeOverFrom(worker, () => {
        requests.forget(worker)
        grants.giveOutAll()
      })
      grants.wakeAll()
    },
    taken: seats.taken,
    ghosts: seats.ghosts,
    capacity: seats.capacity,
    foreign: seats.foreign,
    hasRoom: seats.hasRoom,
    depth: requests.depth,
    waiting: requests.waiting,
    forecastMs() {
      let workMs = 0
      for (let rank = 0; rank < rankCount; rank++)
        workMs += requests.waiting(rank) * (meansMs[rank] as number)
      return workMs === 0 ? 0 : workMs / Math.max(1, seats.totalCapacity())
    },
    join: (worker: number): SlotUser =>
      createSlotUser(worker, { size, cells, lock, seats, requests, anticipation, grants, learn })
  })
}

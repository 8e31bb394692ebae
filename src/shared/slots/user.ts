import type { SharedLock } from '../lock.ts'
import type { Anticipation } from './anticipation.ts'
import type { SeatCapacity } from './capacity.ts'
import type { SlotEntries } from './entries.ts'
import type { SlotTableSize, SlotUser } from './types.ts'

/** The parts of a slot table that a worker's hands work on. */
export interface SlotTableParts {
  readonly size: SlotTableSize
  readonly cells: Int32Array
  readonly lock: SharedLock
  readonly seats: SeatCapacity
  readonly requests: SlotEntries
  readonly anticipation: Anticipation
  readonly grants: {
    readonly wakeCellOf: (worker: number) => number
    /** Whose turn it is at a seat, or -1. */
    readonly nextAt: (seat: number) => number
    readonly giveOut: (seat: number) => void
    readonly giveOutAll: () => void
  }
  /** A request of a rank was served at a seat. */
  readonly learn: (rank: number, seat: number, servedMs: number) => void
}

/** A worker's own hands on the table. Tickets that it does not use are known to it alone. */
export function createSlotUser(worker: number, parts: SlotTableParts): SlotUser {
  const { cells, lock, seats, requests, anticipation, grants } = parts
  const { entries } = parts.size
  const wakeCell = grants.wakeCellOf(worker)
  let heard = Atomics.load(cells, wakeCell)
  // Highest first, so that low entries are used and a scan for those who wait is short.
  const spare = Array.from({ length: entries }, (_, index) => (worker + 1) * entries - 1 - index)
  const alone = <Result>(work: () => Result) => lock.alone(worker, work)

  function reservedForMs(): number | undefined {
    let soonestMs: number | undefined
    for (const seat of seats.open()) {
      if (!seats.hasRoom(seat) || requests.best(seat, Number.POSITIVE_INFINITY) < 0) continue
      const leftMs = Math.max(0, anticipation.reservedForMs(seat))
      soonestMs = Math.min(soonestMs ?? Number.POSITIVE_INFINITY, leftMs)
    }
    return soonestMs
  }

  return {
    take(claim, seat) {
      if (!seats.hasRoom(seat)) return -1
      const ticket = spare.pop()
      if (ticket === undefined) return -1
      const isTaken = alone(() => {
        if (!seats.hasRoom(seat)) return false
        requests.file(ticket, claim)
        if (grants.nextAt(seat) === ticket) {
          requests.start(ticket, seat)
          return true
        }
        requests.free(ticket)
        return false
      })
      if (isTaken) return ticket
      spare.push(ticket)
      return -1
    },
    learnGap: seat => alone(() => anticipation.learnGap(seat)),
    wait(claim) {
      const ticket = spare.pop()
      if (ticket === undefined) return -1
      alone(() => {
        requests.file(ticket, claim)
        grants.giveOutAll()
      })
      return ticket
    },
    seatOf: requests.seatOf,
    remask: (ticket, mask) =>
      alone(() => {
        if (requests.remask(ticket, mask)) grants.giveOutAll()
      }),
    leave: ticket => alone(() => requests.leave(ticket)),
    release(ticket, servedMs) {
      alone(() => {
        const seat = requests.free(ticket)
        if (seat < 0) return
        if (servedMs !== undefined) parts.learn(requests.rankOf(ticket), seat, servedMs)
        grants.giveOut(seat)
      })
      spare.push(ticket)
    },
    reservedForMs: () => (requests.depth() === 0 ? undefined : alone(reservedForMs)),
    releaseReserved: () => alone(grants.giveOutAll),
    async woken() {
      const wait = Atomics.waitAsync(cells, wakeCell, heard)
      if (wait.async) await wait.value
      heard = Atomics.load(cells, wakeCell)
    }
  }
}

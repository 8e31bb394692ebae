import { createSharedLock } from '../lock.ts'
import { createSlotRooms } from './capacity.ts'
import { createSlotEntries } from './entries.ts'
import {
  ENTRY_SIZE,
  HEADER_SIZE,
  heavyRank,
  LOCK,
  lightRank,
  ROOM_SIZE,
  rankCount,
  WORKER_SIZE
} from './layout.ts'
import type { MasterRoom, SlotTable, SlotTableSize, SlotUser } from './types.ts'

/**
 * A light request of a run is followed by the next one as soon as the agent has read its answer. A catalog that took
 * the slot in this gap would keep it for seconds, and the run would wait at every file. So for a moment after a light
 * request the last free slot of a master is kept from catalogs: anticipatory scheduling, as disks have it. The moment
 * is twice the gap that the master's agents, their computers and the network between showed lately.
 */
export const ANTICIPATION = { gaps: 2, firstGapMs: 25, longestGapMs: 200 } as const

/**
 * A new table, or a view of one that another thread made with the same size. `now`: milliseconds on the clock of
 * the claims.
 */
export function createSlotTable(
  size: SlotTableSize,
  now: () => number,
  shared?: SharedArrayBuffer
): SlotTable {
  const { workers, masters, entries } = size
  const workersAt = HEADER_SIZE + masters * ROOM_SIZE
  const tickets = workers * entries
  // Claims are times, for which 32 bits do not last a month; they lie in front, where they are aligned.
  const timeBytes = (tickets + rankCount + 2 * masters) * Float64Array.BYTES_PER_ELEMENT
  const cellCount = workersAt + workers * WORKER_SIZE + tickets * ENTRY_SIZE
  const buffer = shared ?? new SharedArrayBuffer(timeBytes + cellCount * Int32Array.BYTES_PER_ELEMENT)
  const claims = new Float64Array(buffer, 0, tickets)
  const meansMs = new Float64Array(buffer, claims.byteLength, rankCount)
  const lightEndedAtMs = new Float64Array(buffer, claims.byteLength + meansMs.byteLength, masters)
  const gapsMs = new Float64Array(buffer, lightEndedAtMs.byteOffset + lightEndedAtMs.byteLength, masters)
  const cells = new Int32Array(buffer, timeBytes)
  if (!shared) lightEndedAtMs.fill(Number.NEGATIVE_INFINITY)

  const { alone, breakFor } = createSharedLock(cells, LOCK)
  const rooms = createSlotRooms(cells, HEADER_SIZE, masters)
  const requests = createSlotEntries(cells, claims, workersAt, size, rooms)
  const bellOf = (worker: number) => workersAt + worker * WORKER_SIZE

  /** Milliseconds for which the last free slot of a master is not given to catalogs; 0 or less for one that is. */
  function keptForMs(master: number): number {
    if (rooms.room(master) !== 1) return 0
    const gapMs = (gapsMs[master] as number) || ANTICIPATION.firstGapMs
    return (lightEndedAtMs[master] as number) + ANTICIPATION.gaps * gapMs - now()
  }

  /** A light request of a run came to its master: how long after the last light request there had ended. */
  function learnGap(master: number): void {
    const gapMs = now() - (lightEndedAtMs[master] as number)
    if (gapMs > ANTICIPATION.longestGapMs) return
    const meanMs = (gapsMs[master] as number) || ANTICIPATION.firstGapMs
    gapsMs[master] = meanMs + (gapMs - meanMs) / 20
  }

  /** Whose turn it is at a master, or -1. A catalog that aged past the head start of others need not stand back. */
  const nextAt = (master: number) =>
    requests.best(master, keptForMs(master) > 0 ? now() : Number.POSITIVE_INFINITY)

  /** Gives what is free at a master to those with the best claims; their workers are woken. */
  function giveOut(master: number): void {
    while (rooms.hasRoom(master)) {
      const ticket = nextAt(master)
      if (ticket < 0) return
      requests.start(ticket, master)
      ring(Math.floor(ticket / entries))
    }
  }

  function ring(worker: number): void {
    Atomics.add(cells, bellOf(worker), 1)
    Atomics.notify(cells, bellOf(worker))
  }

  /** What changed may have left a slot kept for which nobody has set a timer, or a ticket whose worker was not told. */
  function ringAll(): void {
    for (let worker = 0; worker < workers; worker++) ring(worker)
  }

  function giveOutAll(): void {
    for (let master = 0; master < masters; master++) giveOut(master)
  }

  /** A request of a rank was served. Its time counts a twentieth; the first one of a rank counts whole. */
  function learn(rank: number, master: number, servedMs: number): void {
    const meanMs = meansMs[rank] as number
    meansMs[rank] = meanMs === 0 ? servedMs : meanMs + (servedMs - meanMs) / 20
    rooms.warm(master, rank === heavyRank)
    if (rank === lightRank) lightEndedAtMs[master] = now()
  }

  return Object.freeze({
    buffer,
    setMasters(next: readonly MasterRoom[]) {
      alone(workers, () => {
        rooms.set(next)
        giveOutAll()
      })
      ringAll()
    },
    startSlowly: (master: number) => alone(workers, () => rooms.startSlowly(master)),
    removeWorker(worker: number) {
      // Had it died within the lock, the lock would stay taken for ever.
      breakFor(worker)
      alone(workers, () => {
        requests.forget(worker)
        giveOutAll()
      })
      ringAll()
    },
    taken: rooms.taken,
    ghosts: rooms.ghosts,
    capacity: rooms.capacity,
    foreign: rooms.foreign,
    depth: requests.depth,
    waiting: requests.waiting,
    forecastMs() {
      let workMs = 0
      for (let rank = 0; rank < rankCount; rank++) {
        workMs += requests.waiting(rank) * (meansMs[rank] as number)
      }
      return workMs === 0 ? 0 : workMs / Math.max(1, rooms.totalCapacity())
    },
    join
  })

  function join(worker: number): SlotUser {
    const bell = bellOf(worker)
    let heard = Atomics.load(cells, bell)
    // Highest first, so that low entries are used and a scan for those who wait is short.
    const spare = Array.from({ length: entries }, (_, index) => (worker + 1) * entries - 1 - index)

    /** Lets a filed claim run at a master that has room, unless a better claim waits for it; within the lock. */
    function startAt(ticket: number, master: number): boolean {
      if (!rooms.hasRoom(master) || !requests.mayGoTo(ticket, master) || nextAt(master) !== ticket)
        return false
      requests.start(ticket, master)
      return true
    }

    return {
      take(claim, master) {
        const ticket = spare.pop()
        if (ticket === undefined) return -1
        const isTaken = alone(worker, () => {
          if (claim.rank === lightRank && claim.pinned === master) learnGap(master)
          if (!rooms.hasRoom(master)) return false
          requests.file(ticket, claim)
          if (startAt(ticket, master)) return true
          requests.free(ticket)
          return false
        })
        if (isTaken) return ticket
        spare.push(ticket)
        return -1
      },
      ask(claim, order) {
        const ticket = spare.pop()
        if (ticket === undefined) return undefined
        const master = alone(worker, () => {
          requests.file(ticket, claim)
          return order.find(candidate => startAt(ticket, candidate)) ?? -1
        })
        return { ticket, master }
      },
      masterOf: requests.masterOf,
      leave: ticket => alone(worker, () => requests.leave(ticket)),
      release(ticket, servedMs) {
        alone(worker, () => {
          const master = requests.free(ticket)
          if (master < 0) return
          if (servedMs !== undefined) learn(requests.rankOf(ticket), master, servedMs)
          giveOut(master)
        })
        spare.push(ticket)
      },
      keptMs() {
        if (requests.depth() === 0) return undefined
        return alone(worker, () => {
          let soonest: number | undefined
          for (let master = 0; master < masters; master++) {
            if (!rooms.hasRoom(master) || requests.best(master, Number.POSITIVE_INFINITY) < 0) continue
            soonest = Math.min(soonest ?? Number.POSITIVE_INFINITY, Math.max(0, keptForMs(master)))
          }
          return soonest
        })
      },
      offer: () => alone(worker, giveOutAll),
      isStranded: ticket => requests.isStranded(ticket),
      async granted() {
        const wait = Atomics.waitAsync(cells, bell, heard)
        if (wait.async) await wait.value
        heard = Atomics.load(cells, bell)
      }
    }
  }
}

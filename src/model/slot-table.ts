import { createSharedLock } from './shared-lock.ts'
import * as layout from './slot-layout.ts'
import { createSlotRooms } from './slot-rooms.ts'
import type { MasterRoom, SlotClaim, SlotTable, SlotTableSize, SlotUser } from './slots.ts'

const {
  bitsOf,
  entryCells,
  rankCount,
  state,
  ENTRY_SIZE,
  ROOM_SIZE,
  WORKER_SIZE,
  HEADER_SIZE,
  LOCK,
  DEPTH,
  WAITING
} = layout

/** A new table, or a view of one that another thread made with the same size. */
export function createSlotTable(size: SlotTableSize, shared?: SharedArrayBuffer): SlotTable {
  const { workers, masters, entries } = size
  const roomsAt = HEADER_SIZE
  const workersAt = roomsAt + masters * ROOM_SIZE
  const entriesAt = workersAt + workers * WORKER_SIZE
  // Claims are times, for which 32 bits do not last a month; they lie in front, where they are aligned.
  const claimCount = workers * entries
  const claimBytes = (claimCount + rankCount) * Float64Array.BYTES_PER_ELEMENT
  const buffer =
    shared ??
    new SharedArrayBuffer(
      claimBytes + (entriesAt + workers * entries * ENTRY_SIZE) * Int32Array.BYTES_PER_ELEMENT
    )
  const claims = new Float64Array(buffer, 0, claimCount)
  const meansMs = new Float64Array(buffer, claims.byteLength, rankCount)
  const cells = new Int32Array(buffer, claimBytes)

  const { alone, breakFor } = createSharedLock(cells, LOCK)
  // Between lock and unlock plain reads and writes are safe: the atomics on the lock order them.
  const get = (at: number) => cells[at] as number
  const set = (at: number, value: number) => {
    cells[at] = value
  }
  const add = (at: number, value: number) => set(at, get(at) + value)
  const rooms = createSlotRooms(cells, roomsAt, masters)
  const waiting = (rank: number) => Atomics.load(cells, WAITING + rank)
  const workerAt = (worker: number) => workersAt + worker * WORKER_SIZE
  const entryAt = (ticket: number) => entriesAt + ticket * ENTRY_SIZE
  const workerOf = (ticket: number) => Math.floor(ticket / entries)

  function mayGoTo(entry: number, master: number): boolean {
    const tried = get(entry + entryCells.tried)
    if ((tried & (1 << master)) !== 0) return false
    const pinned = get(entry + entryCells.pinned)
    if (pinned === master) return true
    if (pinned >= 0 && rooms.isOpen(pinned) && (tried & (1 << pinned)) === 0) return false
    return rooms.tierOf(master) === rooms.bestTier(tried)
  }

  function bestWaiting(master: number): number {
    let best = -1
    let bestClaim = Number.POSITIVE_INFINITY
    for (let worker = 0; worker < workers; worker++) {
      let left = get(workerAt(worker) + 1)
      for (let ticket = worker * entries; left > 0 && ticket < (worker + 1) * entries; ticket++) {
        const entry = entryAt(ticket)
        if (get(entry + entryCells.state) !== state.waiting) continue
        left--
        const claim = claims[ticket] as number
        if (claim >= bestClaim || !mayGoTo(entry, master)) continue
        best = ticket
        bestClaim = claim
      }
    }
    return best
  }

  function run(ticket: number, master: number): void {
    const entry = entryAt(ticket)
    set(entry + entryCells.state, state.running)
    set(entry + entryCells.master, master)
    rooms.take(master)
  }

  function stopWaiting(ticket: number): void {
    add(WAITING + get(entryAt(ticket) + entryCells.rank), -1)
    add(DEPTH, -1)
    add(workerAt(workerOf(ticket)) + 1, -1)
  }

  /** Gives what is free at a master to those with the best claims; their workers are woken. */
  function giveOut(master: number): void {
    while (rooms.hasRoom(master)) {
      const ticket = bestWaiting(master)
      if (ticket < 0) return
      stopWaiting(ticket)
      run(ticket, master)
      const bell = workerAt(workerOf(ticket))
      Atomics.add(cells, bell, 1)
      Atomics.notify(cells, bell)
    }
  }

  function giveOutAll(): void {
    for (let master = 0; master < masters; master++) giveOut(master)
  }

  /** Frees an entry; the master whose slot it held, or -1. */
  function free(ticket: number): number {
    const entry = entryAt(ticket)
    const was = get(entry + entryCells.state)
    set(entry + entryCells.state, state.free)
    if (was === state.waiting) stopWaiting(ticket)
    if (was !== state.running) return -1
    const master = get(entry + entryCells.master)
    rooms.give(master)
    return master
  }

  /** A request of a rank was served. Its time counts a twentieth; the first one of a rank counts whole. */
  function learn(rank: number, master: number, servedMs: number): void {
    const meanMs = meansMs[rank] as number
    meansMs[rank] = meanMs === 0 ? servedMs : meanMs + (servedMs - meanMs) / 20
    rooms.warm(master, rank === rankCount - 1)
  }

  return Object.freeze({
    buffer,
    setMasters(next: readonly MasterRoom[]) {
      alone(workers, () => {
        rooms.set(next)
        giveOutAll()
      })
    },
    startSlowly: (master: number) => alone(workers, () => rooms.startSlowly(master)),
    removeWorker(worker: number) {
      // Had it died within the lock, the lock would stay taken for ever.
      breakFor(worker)
      alone(workers, () => {
        cells.fill(state.free, entryAt(worker * entries), entryAt((worker + 1) * entries))
        recount()
        giveOutAll()
      })
    },
    taken: rooms.taken,
    capacity: rooms.capacity,
    foreign: rooms.foreign,
    depth: () => Atomics.load(cells, DEPTH),
    waiting,
    forecastMs() {
      let workMs = 0
      for (let rank = 0; rank < rankCount; rank++) workMs += waiting(rank) * (meansMs[rank] as number)
      return workMs === 0 ? 0 : workMs / Math.max(1, rooms.totalCapacity())
    },
    join
  })

  /** Works out every count from the entries; after a worker died in the middle of changing one. */
  function recount(): void {
    rooms.forgetTaken()
    cells.fill(0, DEPTH, HEADER_SIZE)
    for (let worker = 0; worker < workers; worker++) set(workerAt(worker) + 1, 0)
    for (let ticket = 0; ticket < workers * entries; ticket++) {
      const entry = entryAt(ticket)
      if (get(entry + entryCells.state) === state.running) {
        rooms.take(get(entry + entryCells.master))
      } else if (get(entry + entryCells.state) === state.waiting) {
        add(WAITING + get(entry + entryCells.rank), 1)
        add(DEPTH, 1)
        add(workerAt(workerOf(ticket)) + 1, 1)
      }
    }
  }

  function join(worker: number): SlotUser {
    const bell = workerAt(worker)
    let heard = Atomics.load(cells, bell)
    // Highest first, so that low entries are used and a scan for those who wait is short.
    const spare = Array.from({ length: entries }, (_, index) => (worker + 1) * entries - 1 - index)

    /** Files a claim as one that waits; within the lock. */
    function file(ticket: number, { rank, claim, pinned, tried }: SlotClaim): void {
      const entry = entryAt(ticket)
      set(entry + entryCells.state, state.waiting)
      set(entry + entryCells.rank, rank)
      claims[ticket] = claim
      set(entry + entryCells.pinned, pinned)
      set(entry + entryCells.tried, bitsOf(tried))
      set(entry + entryCells.master, -1)
      add(WAITING + rank, 1)
      add(DEPTH, 1)
      add(workerAt(worker) + 1, 1)
    }

    /** Lets a filed claim run at a master that has room, unless a better claim waits for it; within the lock. */
    function startAt(ticket: number, master: number): boolean {
      if (!rooms.hasRoom(master) || !mayGoTo(entryAt(ticket), master) || bestWaiting(master) !== ticket)
        return false
      stopWaiting(ticket)
      run(ticket, master)
      return true
    }

    return {
      take(claim, master) {
        const ticket = spare.pop()
        if (ticket === undefined) return -1
        const isTaken = alone(worker, () => {
          if (!rooms.hasRoom(master)) return false
          file(ticket, claim)
          if (startAt(ticket, master)) return true
          free(ticket)
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
          file(ticket, claim)
          return order.find(candidate => startAt(ticket, candidate)) ?? -1
        })
        return { ticket, master }
      },
      masterOf: ticket => Atomics.load(cells, entryAt(ticket) + entryCells.master),
      release(ticket, servedMs) {
        alone(worker, () => {
          const master = free(ticket)
          if (master < 0) return
          if (servedMs !== undefined) learn(get(entryAt(ticket) + entryCells.rank), master, servedMs)
          giveOut(master)
        })
        spare.push(ticket)
      },
      async granted() {
        const wait = Atomics.waitAsync(cells, bell, heard)
        if (wait.async) await wait.value
        heard = Atomics.load(cells, bell)
      }
    }
  }
}

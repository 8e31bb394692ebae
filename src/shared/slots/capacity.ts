import { seatCount } from '../../model/master.ts'
import { SEAT_SIZE, seatCells } from './layout.ts'
import type { SeatLimits } from './types.ts'

/**
 * A master that starts slowly may run so many tenths of a request; a catalog done adds ten, anything else one. A
 * JRuby compiles its own code while it compiles its first catalogs, so these are the measure and not time.
 */
const WARMTH = { first: 10, perCatalog: 10, perOther: 1, full: 1_000_000 } as const

/** What seats can take and what they have, in the slot table's cells. Changes only within the table's lock. */
export interface SeatCapacity {
  /** Whole, for all seats: one that is not named takes nothing from now on. */
  readonly set: (seats: ReadonlyMap<number, SeatLimits>) => void
  /** For a new occupant. */
  readonly reset: (seat: number) => void
  readonly hasRoom: (seat: number) => boolean
  /** How many more requests it may run; none while it takes no work at all. */
  readonly room: (seat: number) => number
  readonly take: (seat: number) => void
  readonly give: (seat: number) => void
  /** Of those taken, one more has an agent that left. */
  readonly addGhost: (seat: number) => void
  readonly removeGhost: (seat: number) => void
  readonly forgetTaken: () => void
  /** From now on one request, and more by and by. */
  readonly startSlowly: (seat: number) => void
  /** Counts one completed request towards slow start. */
  readonly warm: (seat: number, isCatalog: boolean) => void
  readonly taken: (seat: number) => number
  readonly ghosts: (seat: number) => number
  /** Requests it may run now: its JRubies, fewer while it starts slowly. */
  readonly capacity: (seat: number) => number
  readonly foreign: (seat: number) => number
  /** Of all seats that new runs are given to. */
  readonly totalCapacity: () => number
  /** Seats that take work, in ascending order. */
  readonly open: () => readonly number[]
}

/** `cells` from `base` on belong to the seats. */
export function createSeatCapacity(cells: Int32Array, base: number): SeatCapacity {
  type What = keyof typeof seatCells
  const cell = (seat: number, what: What) => base + seat * SEAT_SIZE + seatCells[what]
  const read = (seat: number, what: What) => Atomics.load(cells, cell(seat, what))
  const write = (seat: number, what: What, value: number) =>
    void Atomics.store(cells, cell(seat, what), value)
  const add = (seat: number, what: What, value: number) => void Atomics.add(cells, cell(seat, what), value)

  /** 0 stands for a master that was never told to start slowly, or is warm again. */
  function capacity(seat: number): number {
    const warmth = read(seat, 'warmth') || WARMTH.full
    return Math.min(read(seat, 'capacity'), Math.floor(warmth / 10))
  }

  function room(seat: number): number {
    if (read(seat, 'isOpen') === 0) return 0
    const taken = read(seat, 'taken')
    const left = capacity(seat) - taken - read(seat, 'foreign')
    // However much it runs for others, one of ours may always try: its report may be the one that is wrong.
    return Math.max(left, taken === 0 ? 1 : 0)
  }

  function open(): readonly number[] {
    const found: number[] = []
    for (let seat = 0; seat < seatCount; seat++) if (read(seat, 'isOpen') === 1) found.push(seat)
    return found
  }

  return {
    set(seats) {
      for (let seat = 0; seat < seatCount; seat++) {
        const limits = seats.get(seat)
        write(seat, 'isOpen', limits ? 1 : 0)
        write(seat, 'takesNewRuns', limits?.takesNewRuns ? 1 : 0)
        if (!limits) continue
        write(seat, 'capacity', limits.capacity)
        write(seat, 'foreign', limits.foreign)
      }
    },
    reset(seat) {
      for (const what of ['isOpen', 'takesNewRuns', 'capacity', 'foreign', 'warmth'] as const)
        write(seat, what, 0)
    },
    hasRoom: seat => room(seat) > 0,
    room,
    take: seat => add(seat, 'taken', 1),
    give: seat => add(seat, 'taken', -1),
    addGhost: seat => add(seat, 'ghosts', 1),
    removeGhost: seat => add(seat, 'ghosts', -1),
    forgetTaken() {
      for (let seat = 0; seat < seatCount; seat++) {
        write(seat, 'taken', 0)
        write(seat, 'ghosts', 0)
      }
    },
    startSlowly: seat => write(seat, 'warmth', WARMTH.first),
    warm(seat, isCatalog) {
      const warmth = read(seat, 'warmth')
      if (warmth === 0) return
      const next = warmth + (isCatalog ? WARMTH.perCatalog : WARMTH.perOther)
      write(seat, 'warmth', next / 10 >= read(seat, 'capacity') ? 0 : next)
    },
    taken: seat => read(seat, 'taken'),
    ghosts: seat => read(seat, 'ghosts'),
    capacity,
    foreign: seat => read(seat, 'foreign'),
    totalCapacity() {
      let total = 0
      for (let seat = 0; seat < seatCount; seat++)
        if (read(seat, 'takesNewRuns') === 1) total += capacity(seat)
      return total
    },
    open
  }
}

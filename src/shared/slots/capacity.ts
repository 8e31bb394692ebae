import { seatCount } from '../../model/master.ts'
import { SEAT_SIZE, SEATS_IN_USE, type SlotMemory, seatCells } from './layout.ts'
import type { SeatLimits } from './types.ts'

/**
 * A master that starts slowly is to run so many tenths of a request; a catalog done adds ten, anything else one. A
 * JRuby compiles its own code while it compiles its first catalogs, so these are the measure and not time. It is a
 * preference and no limit: what nobody else has room for is better off with a slow JRuby than with none.
 */
const WARMTH = { first: 10, perCatalog: 10, perOther: 1, full: 1_000_000 } as const

/** What seats can take and what they have. Changes only within the table's lock. */
export interface Capacity {
  readonly set: (seats: ReadonlyMap<number, SeatLimits>) => void
  /** No seat from this one on takes work. */
  readonly seatsInUse: () => number
  /** Whether a seat takes work and could run one more request. */
  readonly hasRoom: (seat: number) => boolean
  /** How many more requests it may run. */
  readonly room: (seat: number) => number
  /** The same while another one has room: less than `hasRoom` says only for a master that starts slowly. */
  readonly hasWarmRoom: (seat: number) => boolean
  readonly startsSlowly: (seat: number) => boolean
  readonly take: (seat: number) => void
  readonly give: (seat: number) => void
  readonly addGhost: (seat: number) => void
  readonly removeGhost: (seat: number) => void
  readonly addFailed: (seat: number) => void
  readonly removeFailed: (seat: number) => void
  /** Forgets what is taken everywhere, to be counted anew. */
  readonly forgetTaken: () => void
  /** From now on one request while others have room, and more by and by. */
  readonly startSlowly: (seat: number) => void
  /** Counts one completed request towards slow start. */
  readonly countCompleted: (seat: number, isCatalog: boolean) => void
  /** Forgets the slow start and the foreign requests of a seat's last occupant. */
  readonly reset: (seat: number) => void
  readonly taken: (seat: number) => number
  readonly ghosts: (seat: number) => number
  /** Catalogs that it failed too soon and that still count as if they ran. */
  readonly failed: (seat: number) => number
  readonly takesWork: (seat: number) => boolean
  /** Its JRubies. */
  readonly capacity: (seat: number) => number
  /** Of these, how many it is to use while others have room: fewer while it starts slowly. */
  readonly warm: (seat: number) => number
  readonly foreign: (seat: number) => number
  /** JRubies of all seats that take new runs for each of some queues, a bit each. */
  readonly forNewRuns: (queues: number) => number
  /** The queues whose new runs are given to seats that take those of one queue, a bit each. */
  readonly queuesBeside: (queue: number) => number
}

/** The seats' part of the slot table. */
export function createCapacity({ cells, seatsAt }: Pick<SlotMemory, 'cells' | 'seatsAt'>): Capacity {
  const cell = (seat: number, what: keyof typeof seatCells) => seatsAt + seat * SEAT_SIZE + seatCells[what]
  const read = (seat: number, what: keyof typeof seatCells) => Atomics.load(cells, cell(seat, what))
  const write = (seat: number, what: keyof typeof seatCells, value: number) => {
    Atomics.store(cells, cell(seat, what), value)
  }
  // Within the lock plain writes are safe: the atomics on the lock order them.
  const add = (seat: number, what: keyof typeof seatCells, change: 1 | -1) => {
    const at = cell(seat, what)
    cells[at] = (cells[at] as number) + change
  }

  const seatsInUse = () => Atomics.load(cells, SEATS_IN_USE)
  const capacity = (seat: number) => read(seat, 'capacity')

  function warm(seat: number): number {
    const warmth = read(seat, 'warmth') || WARMTH.full
    return Math.min(capacity(seat), Math.floor(warmth / 10))
  }

  function roomOf(seat: number, most: number): number {
    if (read(seat, 'takesWork') === 0) return 0
    const taken = read(seat, 'taken')
    const mayHave = most - read(seat, 'lent')
    const left = mayHave - taken - read(seat, 'foreign')
    // However much it runs for others, one of ours may always try: its report may be the one that is wrong.
    return Math.max(left, taken === 0 && mayHave > 0 ? 1 : 0)
  }

  const room = (seat: number) => roomOf(seat, capacity(seat))

  function set(seats: ReadonlyMap<number, SeatLimits>): void {
    Atomics.store(cells, SEATS_IN_USE, Math.max(-1, ...seats.keys()) + 1)
    for (let seat = 0; seat < seatCount; seat++) {
      const limits = seats.get(seat)
      write(seat, 'takesWork', limits ? 1 : 0)
      write(seat, 'takesNewRuns', limits?.takesNewRuns ? (limits.queues ?? 1) : 0)
      if (!limits) continue
      write(seat, 'capacity', limits.capacity)
      write(seat, 'foreign', limits.foreign)
      write(seat, 'lent', limits.lent ?? 0)
    }
  }

  return {
    set,
    seatsInUse,
    hasRoom: seat => room(seat) > 0,
    room,
    hasWarmRoom: seat => roomOf(seat, warm(seat)) > 0,
    startsSlowly: seat => read(seat, 'warmth') !== 0,
    take: seat => add(seat, 'taken', 1),
    give: seat => add(seat, 'taken', -1),
    addGhost: seat => add(seat, 'ghosts', 1),
    removeGhost: seat => add(seat, 'ghosts', -1),
    addFailed: seat => add(seat, 'failed', 1),
    removeFailed: seat => add(seat, 'failed', -1),
    forgetTaken() {
      for (let seat = 0; seat < seatCount; seat++) {
        write(seat, 'taken', 0)
        write(seat, 'ghosts', 0)
        write(seat, 'failed', 0)
      }
    },
    startSlowly: seat => write(seat, 'warmth', WARMTH.first),
    countCompleted(seat, isCatalog) {
      const warmth = read(seat, 'warmth')
      if (warmth === 0) return
      const next = warmth + (isCatalog ? WARMTH.perCatalog : WARMTH.perOther)
      write(seat, 'warmth', next / 10 >= read(seat, 'capacity') ? 0 : next)
    },
    reset(seat) {
      write(seat, 'warmth', 0)
      write(seat, 'foreign', 0)
      write(seat, 'lent', 0)
    },
    taken: seat => read(seat, 'taken'),
    ghosts: seat => read(seat, 'ghosts'),
    failed: seat => read(seat, 'failed'),
    takesWork: seat => read(seat, 'takesWork') !== 0,
    capacity,
    warm,
    foreign: seat => read(seat, 'foreign'),
    forNewRuns(queues) {
      let total = 0
      for (let seat = 0; seat < seatCount; seat++)
        if ((read(seat, 'takesNewRuns') & queues) === queues) total += capacity(seat)
      return total
    },
    queuesBeside(queue) {
      let queues = 0
      for (let seat = 0; seat < seatCount; seat++) {
        const own = read(seat, 'takesNewRuns')
        if ((own & (1 << queue)) !== 0) queues |= own
      }
      return queues
    }
  }
}

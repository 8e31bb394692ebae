import { ROOM_SIZE, roomCells } from './layout.ts'
import type { MasterRoom } from './types.ts'

/**
 * A master that starts slowly may run so many tenths of a request; a catalog done adds ten, anything else one. A
 * JRuby compiles its own code while it compiles its first catalogs, so these are the measure and not time.
 */
const WARMTH = { first: 10, perCatalog: 10, perOther: 1, full: 1_000_000 } as const

/** What masters can take and what they have, in the slot table's cells. Changes only within the table's lock. */
export interface SlotRooms {
  readonly set: (rooms: readonly MasterRoom[]) => void
  readonly hasRoom: (master: number) => boolean
  /** How many more requests it may run; none while it takes no work at all. */
  readonly room: (master: number) => number
  /** Whether it takes new work. */
  readonly isOpen: (master: number) => boolean
  readonly tierOf: (master: number) => number
  /** The best tier that has an open master whose bit is not among those tried; Infinity for none. */
  readonly bestTier: (tried: number) => number
  /** Whether there is a master that takes work, or finishes runs and so may take work again, beside those tried. */
  readonly hasOther: (tried: number) => boolean
  readonly take: (master: number) => void
  readonly give: (master: number) => void
  /** Of those taken, one more or one less has an agent that left. */
  readonly haunt: (master: number, change: 1 | -1) => void
  readonly forgetTaken: () => void
  /** From now on one request, and more by and by. */
  readonly startSlowly: (master: number) => void
  /** It has done a request, which warms it up. */
  readonly warm: (master: number, isCatalog: boolean) => void
  readonly taken: (master: number) => number
  readonly ghosts: (master: number) => number
  /** Requests it may run now: its JRubies, fewer while it starts slowly. */
  readonly capacity: (master: number) => number
  readonly foreign: (master: number) => number
  /** Of all open masters of the best tier. */
  readonly totalCapacity: () => number
}

export function createSlotRooms(cells: Int32Array, base: number, masters: number): SlotRooms {
  const cell = (master: number, what: keyof typeof roomCells) => base + master * ROOM_SIZE + roomCells[what]
  const read = (master: number, what: keyof typeof roomCells) => Atomics.load(cells, cell(master, what))
  const write = (master: number, what: keyof typeof roomCells, value: number) => {
    Atomics.store(cells, cell(master, what), value)
  }

  /** 0 stands for a master that was never told to start slowly, or is warm again. */
  function capacity(master: number): number {
    const warmth = read(master, 'warmth') || WARMTH.full
    return Math.min(read(master, 'capacity'), Math.floor(warmth / 10))
  }

  function room(master: number): number {
    if (read(master, 'tier') < 0 && read(master, 'finishes') === 0) return 0
    const taken = read(master, 'taken')
    const left = capacity(master) - taken - read(master, 'foreign')
    // However much it runs for others, one of ours may always try: its report may be the one that is wrong.
    return Math.max(left, taken === 0 ? 1 : 0)
  }

  function bestTier(tried: number): number {
    let best = Number.POSITIVE_INFINITY
    for (let master = 0; master < masters; master++) {
      const tier = read(master, 'tier')
      if (tier >= 0 && tier < best && (tried & (1 << master)) === 0) best = tier
    }
    return best
  }

  return {
    set(rooms) {
      rooms.forEach((room, master) => {
        write(master, 'tier', room.tier)
        write(master, 'capacity', room.capacity)
        write(master, 'foreign', room.foreign)
        write(master, 'finishes', room.finishesRuns ? 1 : 0)
      })
    },
    hasRoom: master => room(master) > 0,
    room,
    isOpen: master => read(master, 'tier') >= 0,
    tierOf: master => read(master, 'tier'),
    bestTier,
    hasOther(tried) {
      for (let master = 0; master < masters; master++) {
        if ((tried & (1 << master)) !== 0) continue
        if (read(master, 'tier') >= 0 || read(master, 'finishes') !== 0) return true
      }
      return false
    },
    take: master => void Atomics.add(cells, cell(master, 'taken'), 1),
    give: master => void Atomics.sub(cells, cell(master, 'taken'), 1),
    haunt: (master, change) => void Atomics.add(cells, cell(master, 'ghosts'), change),
    forgetTaken() {
      for (let master = 0; master < masters; master++) {
        write(master, 'taken', 0)
        write(master, 'ghosts', 0)
      }
    },
    startSlowly: master => write(master, 'warmth', WARMTH.first),
    warm(master, isCatalog) {
      const warmth = read(master, 'warmth')
      if (warmth === 0) return
      const next = warmth + (isCatalog ? WARMTH.perCatalog : WARMTH.perOther)
      write(master, 'warmth', next / 10 >= read(master, 'capacity') ? 0 : next)
    },
    taken: master => read(master, 'taken'),
    ghosts: master => read(master, 'ghosts'),
    capacity,
    foreign: master => read(master, 'foreign'),
    totalCapacity() {
      const tier = bestTier(0)
      let total = 0
      for (let master = 0; master < masters; master++)
        if (read(master, 'tier') === tier) total += capacity(master)
      return total
    }
  }
}

import { keyOf, type Proposal } from '../../src/control/roster.ts'
import type { SlotClaim } from '../../src/shared/slots/types.ts'
import { seatsIn } from './masks.ts'
import type { World } from './promises.ts'
import type { Worker } from './worker.ts'

/** Nobody sits on another one's seat, nor has another one's id; and what is counted at a seat is right. */
export function promiseSeats({ control, workers, breaks }: World) {
  const seated = new Map<number, number>()
  const keys = new Map<number, string>()
  const taken = new Map<number, { count: number; most: number }>()
  const tables = () => control().memory

  function adopting({ masters, ca, joining }: Proposal): void {
    const members = [...masters, ca]
    if (new Set(members.map(({ seat }) => seat)).size !== members.length) breaks('a seat has two masters')
    for (const { id, seat, name } of joining) {
      if (keys.has(id)) breaks(`${name} has the id of one before it`)
      if (seated.has(seat)) breaks(`${name} sits on a seat that is not free`)
      seated.set(seat, id)
    }
    for (const { id, name, url } of members) {
      const key = name === 'ca' ? url : keyOf({ name, url })
      if (keys.has(id) && keys.get(id) !== key) breaks(`an id names ${key} and ${keys.get(id)}`)
      keys.set(id, key)
    }
  }

  function freeing(seat: number): void {
    const { board, slots } = tables()
    const counted = [board.inFlight(seat), slots.taken(seat), slots.ghosts(seat), slots.failed(seat)]
    if (counted.some(count => count !== 0)) breaks(`seat ${seat} is freed with ${counted} counted there`)
    for (const worker of workers()) {
      const { masters, ca } = worker.snapshot()
      if ([...masters, ca].some(master => master.seat === seat)) breaks('a seat is freed that a worker uses')
      for (const { mask } of worker.waiting.values())
        if (seatsIn(mask).includes(seat)) breaks('a seat is freed that somebody waits for')
    }
    seated.delete(seat)
  }

  /** After every event. */
  function look(): void {
    const { slots, board } = tables()
    for (const seat of seated.keys()) {
      const count = slots.taken(seat)
      const most = Math.max(1, slots.capacity(seat) - slots.foreign(seat))
      const before = taken.get(seat) ?? { count: 0, most: 1 }
      if (count > before.count && count > Math.max(most, before.most))
        breaks(`seat ${seat} has ${count} of ${most}`)
      if (Math.min(count, slots.ghosts(seat), slots.failed(seat), board.inFlight(seat)) < 0)
        breaks(`less than nothing is counted at seat ${seat}`)
      taken.set(seat, { count, most })
    }
  }

  /** Slow start: no further request while somebody else has room, as far as that is plain. */
  function took(worker: Worker, { rank, mask }: SlotClaim, seat: number): void {
    const { slots } = tables()
    const before = slots.taken(seat) - 1
    if (rank === 2 || slots.depth() > 0 || before === 0) return
    if (slots.warm(seat) - before - slots.foreign(seat) > 0) return
    if (worker.snapshot().doubted.some(each => each.seat === seat)) return
    if (seatsIn(mask).some(each => each !== seat && slots.hasWarmRoom(each)))
      breaks(`seat ${seat} starts slowly and is given what others could take`)
  }

  return {
    ...{ adopting, freeing, look, took },
    begin() {
      const { ca, masters } = control().roster.current()
      for (const { id, seat } of [...masters, ca]) seated.set(seat, id)
      adopting({ masters, ca, joining: [], leaving: [] })
    }
  }
}

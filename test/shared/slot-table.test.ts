import t from 'tap'
import { seatCount } from '../../src/model/master.ts'
import { ANTICIPATION } from '../../src/shared/slots/anticipation.ts'
import { strangers } from '../../src/shared/slots/claimants.ts'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import {
  type Claimant,
  noPlace,
  type SeatLimits,
  type SlotClaim,
  type SlotUser
} from '../../src/shared/slots/types.ts'
import { schedule } from './threads.ts'

const RESERVED_MS = ANTICIPATION.gaps * ANTICIPATION.firstGapMs
/** A seat in the last word of a mask, with the bit that makes it negative. */
const LAST = seatCount - 1

const open = (capacity: number, rest: Partial<SeatLimits> = {}): SeatLimits => ({
  capacity,
  foreign: 0,
  takesNewRuns: true,
  ...rest
})
const catalog = (dueMs: number, ...seats: number[]): SlotClaim => ({
  rank: 2,
  dueMs,
  mask: maskOf(seats)
})
const light = (dueMs: number, ...seats: number[]): SlotClaim => ({ ...catalog(dueMs, ...seats), rank: 0 })

async function tableOf(seats: Record<number, SeatLimits>, now = () => 0) {
  const table = createSlotTable({ workers: 2, entries: 64 }, { now, schedule })
  const setSeats = (next: Record<number, SeatLimits>) =>
    table.setSeats(new Map(Object.entries(next).map(([seat, limits]) => [Number(seat), limits])))
  await setSeats(seats)
  return { table, setSeats, a: table.join(0), b: table.join(1) }
}

/** A ticket of one who waits and has got nothing yet. */
function waiting(user: SlotUser, claim: SlotClaim): number {
  const ticket = user.wait(claim)
  if (user.seatOf(ticket) !== -1) throw new Error('got a slot at once')
  return ticket
}

t.test('a slot is taken at once where there is room, and not where there is none', async t => {
  const { table, a } = await tableOf({ 3: open(1), [LAST]: open(2) })
  const [first, second] = [a.take(catalog(0, 3, LAST), LAST), a.take(catalog(0, 3, LAST), LAST)]
  t.same([a.seatOf(first), a.seatOf(second), table.taken(LAST)], [LAST, LAST, 2])
  t.equal(table.hasRoom(LAST), false)
  t.equal(a.take(catalog(0, 3, LAST), LAST), -1)
  t.equal(table.hasRoom(3), true)
  a.release(first)
  t.equal(table.hasRoom(LAST), true)
})

t.test('nobody takes a slot at a seat that is not in the mask', async t => {
  const { a } = await tableOf({ 3: open(1), 35: open(1) })
  t.equal(a.take(catalog(0, 3), 35), -1)
  t.equal(a.seatOf(a.wait(catalog(0, 35))), 35)
})

t.test('who waits where there is room has a slot by the time the call returns', async t => {
  const { table, a } = await tableOf({ 3: open(1), [LAST]: open(1) })
  t.same([0, 1].map(() => a.seatOf(a.wait(catalog(0, 3, LAST)))).sort(), [LAST, 3].sort())
  t.equal(table.depth(), 0)
})

t.test('a slot that frees goes to the earliest due, of whatever worker', async t => {
  const { a, b } = await tableOf({ 0: open(1) })
  const running = a.take(catalog(0, 0), 0)
  const late = waiting(a, catalog(20, 0))
  const early = waiting(b, catalog(10, 0))
  a.release(running)
  t.equal(b.seatOf(early), 0)
  t.equal(a.seatOf(late), -1)
})

t.test('a worker whose request got a slot elsewhere is woken without asking', async t => {
  const { a, b } = await tableOf({ 0: open(1) })
  const running = a.take(catalog(0, 0), 0)
  waiting(b, catalog(1, 0))
  const woken = b.woken()
  a.release(running)
  await woken
  t.pass('woken() resolved')
})

t.test('a slot given out before anybody listens is not missed', async t => {
  const { a } = await tableOf({ 0: open(1) })
  const running = a.take(catalog(0, 0), 0)
  const next = waiting(a, catalog(1, 0))
  a.release(running)
  await a.woken()
  t.equal(a.seatOf(next), 0)
})

t.test('one who waits and leaves costs nobody a slot, and nothing is given back twice', async t => {
  const { table, a } = await tableOf({ 0: open(1) })
  const running = a.take(catalog(0, 0), 0)
  const gone = waiting(a, catalog(1, 0))
  const next = waiting(a, catalog(2, 0))
  a.release(gone)
  t.same([table.taken(0), table.depth(), table.waiting(2)], [1, 1, 1])
  a.release(running)
  t.equal(a.seatOf(next), 0)
  a.release(running)
  a.release(gone)
  t.equal(table.taken(0), 1)
  t.not(a.wait(catalog(3, 0)), a.wait(catalog(4, 0)))
})

t.test('a worker whose part of the table is full gets no ticket', async t => {
  const { table } = await tableOf({ 0: open(1) })
  const user = table.join(1)
  for (let count = 0; count < 64; count++) user.wait(catalog(0, 0))
  t.equal(user.wait(catalog(0, 0)), -1)
  t.equal(user.take(catalog(0, 0), 0), -1)
})

t.test('another mask counts at once: for what is free, and for what frees later', async t => {
  const { a, b } = await tableOf({ 0: open(1), 40: open(1), 41: open(1) })
  const running = a.take(catalog(0, 0), 0)
  const moved = waiting(a, catalog(1, 0))
  const staying = waiting(b, catalog(2, 0))
  a.remask(moved, maskOf([40]))
  t.equal(a.seatOf(moved), 40)
  a.remask(running, maskOf([41]))
  t.equal(a.seatOf(running), 0, 'who has a slot keeps it')
  b.remask(staying, maskOf([]))
  a.release(running)
  t.equal(b.seatOf(staying), -1)
  b.remask(staying, maskOf([0]))
  t.equal(b.seatOf(staying), 0)
})

t.test('a seat that is not named takes nothing, and what it has is still counted', async t => {
  const { table, setSeats, a } = await tableOf({ 0: open(2), 1: open(2) })
  const running = a.take(catalog(0, 0), 0)
  await setSeats({ 1: open(2) })
  t.equal(table.hasRoom(0), false)
  t.equal(a.take(catalog(1, 0), 0), -1)
  const next = waiting(a, catalog(1, 0))
  t.equal(table.taken(0), 1)
  a.release(running)
  t.same([table.taken(0), a.seatOf(next)], [0, -1])
  await setSeats({ 0: open(2) })
  t.equal(a.seatOf(next), 0)
})

t.test('what a master runs for others leaves less room, but never none for us', async t => {
  for (const foreign of [3, 9]) {
    const { table, a } = await tableOf({ 0: open(4, { foreign }) })
    t.not(a.take(catalog(0, 0), 0), -1)
    t.equal(a.take(catalog(0, 0), 0), -1)
    t.equal(table.foreign(0), foreign)
  }
})

t.test('more capacity lets those who wait go at once', async t => {
  const { setSeats, a } = await tableOf({ 0: open(1) })
  a.take(catalog(0, 0), 0)
  const second = waiting(a, catalog(1, 0))
  await setSeats({ 0: open(2) })
  t.equal(a.seatOf(second), 0)
})

t.test(
  'a master that starts slowly is given one request, and one more for each catalog it completes',
  async t => {
    const { table, a } = await tableOf({ 0: open(3) })
    await table.startSlowly(0)
    t.equal(table.warm(0), 1)
    t.equal(table.capacity(0), 3)
    const first = a.take(catalog(0, 0), 0)
    t.equal(table.hasWarmRoom(0), false)
    t.equal(table.hasRoom(0), true)
    a.release(first, 400)
    t.equal(table.warm(0), 2)
    a.release(a.take(catalog(1, 0), 0), 400)
    t.equal(table.warm(0), 3)
  }
)

t.test('nobody waits for a master that starts slowly while it has a JRuby and nobody else has', async t => {
  const { table, setSeats, a, b } = await tableOf({ 0: open(2), 1: open(3) })
  await table.startSlowly(0)
  const [slow, warm] = [a.take(catalog(0, 0), 0), a.take(catalog(0, 1), 1)]
  const placed = [1, 2].map(dueMs => b.seatOf(b.wait(catalog(dueMs, 0, 1))))
  t.same(placed, [1, 1], 'the other one is preferred')
  const last = a.wait(catalog(3, 0, 1))
  t.equal(a.seatOf(last), 0)
  const next = waiting(a, catalog(4, 0, 1))
  t.equal(a.seatOf(next), -1)
  await setSeats({ 0: open(3) })
  t.equal(a.seatOf(next), 0, 'the last master takes all that it can')
  a.release(slow)
  a.release(warm)
})

t.test('light requests warm a master up as well, by a tenth; what was not served does not', async t => {
  const { table, a } = await tableOf({ 0: open(2) })
  await table.startSlowly(0)
  const serve = (servedMs?: number) => a.release(a.take(light(0, 0), 0), servedMs)
  for (let count = 0; count < 9; count++) serve(5)
  serve()
  t.equal(table.warm(0), 1)
  serve(5)
  t.equal(table.warm(0), 2)
})

t.test('the slot a light request had is reserved for the next one, not given to a catalog', async t => {
  let clockMs = 1_000
  const { a } = await tableOf({ 0: open(2) }, () => clockMs)
  const first = a.take(light(clockMs, 0), 0)
  a.take(catalog(51_000, 0), 0)
  const next = waiting(a, catalog(51_000, 0))
  t.equal(a.reservedForMs(), undefined)
  a.release(first, 80)
  t.equal(a.seatOf(next), -1)
  t.equal(a.reservedForMs(), RESERVED_MS)
  clockMs += 20
  t.equal(a.reservedForMs(), RESERVED_MS - 20)
  t.equal(a.take(catalog(1e6, 0), 0), -1, 'nor taken by a catalog that comes')
  const second = a.take(light(clockMs, 0), 0)
  t.equal(a.seatOf(second), 0, 'which has it without waiting')
  t.equal(a.reservedForMs(), undefined, 'and now there is nothing to reserve')
  a.release(second, 80)
  clockMs += RESERVED_MS
  a.releaseReserved()
  t.equal(a.seatOf(next), 0, 'the catalog has it when no light request came')
})

t.test('what is reserved is one slot, and not from a catalog that has aged', async t => {
  let clockMs = 1_000
  const { a } = await tableOf({ 0: open(3) }, () => clockMs)
  a.release(a.take(light(clockMs, 0), 0), 80)
  t.not(a.take(catalog(51_000, 0), 0), -1)
  t.not(a.take(catalog(51_000, 0), 0), -1)
  const last = waiting(a, catalog(51_000, 0))
  clockMs += 49_990
  const late = a.take(light(clockMs, 0), 0)
  t.not(late, -1)
  clockMs += 20
  a.release(late, 80)
  t.equal(a.seatOf(last), 0)
})

t.test('a slot whose time ran out between two looks at the clock is still to be given out', async t => {
  let clockMs = 1_000
  const { a } = await tableOf({ 0: open(1) }, () => clockMs)
  a.release(a.take(light(clockMs, 0), 0), 80)
  const next = waiting(a, catalog(51_000, 0))
  clockMs = 1_000 + RESERVED_MS - 0.001
  a.releaseReserved()
  t.equal(a.seatOf(next), -1)
  clockMs += 0.002
  t.equal(a.reservedForMs(), 0)
  a.releaseReserved()
  t.equal(a.seatOf(next), 0)
  t.equal(a.reservedForMs(), undefined)
})

t.test('how long a slot is reserved follows the gaps between the light requests of runs', async t => {
  let clockMs = 1_000
  const { table, a } = await tableOf({ 0: open(1), 1: open(1) }, () => clockMs)
  const reservedAfter = (gapMs: number, count: number) => {
    for (let index = 0; index < count; index++) {
      clockMs += gapMs
      a.learnGap(light(clockMs, 0), 0)
      a.release(a.take(light(clockMs, 0), 0), 10)
    }
    const next = waiting(a, catalog(clockMs + 50_000, 0))
    const reservedMs = a.reservedForMs() ?? 0
    a.release(next)
    return reservedMs
  }
  const { gaps, longestGapMs } = ANTICIPATION
  t.ok(Math.abs(reservedAfter(5, 200) - gaps * 5) < 1)
  t.ok(Math.abs(reservedAfter(100, 200) - gaps * 100) < 1)
  t.ok(Math.abs(reservedAfter(longestGapMs + 1, 50) - gaps * 100) < 1, 'but not the pause between two phases')
  await table.resetSeat(0)
  t.equal(reservedAfter(1_000, 1), RESERVED_MS, 'and the next occupant’s are learnt anew')
})

t.test('a light request that was not served reserves nothing', async t => {
  const { a } = await tableOf({ 0: open(1) })
  const first = a.take(light(0, 0), 0)
  const next = waiting(a, catalog(50_000, 0))
  a.release(first)
  t.equal(a.seatOf(next), 0)
})

t.test('nothing is known of a seat’s last occupant once it is reset', async t => {
  const { table, setSeats, a } = await tableOf({ 0: open(3, { foreign: 2 }) })
  await table.startSlowly(0)
  a.release(a.take(light(0, 0), 0), 80)
  await setSeats({})
  await table.resetSeat(0)
  t.equal(table.foreign(0), 0)
  await setSeats({ 0: open(1) })
  t.equal(table.capacity(0), 1)
  t.not(a.take(catalog(9e9, 0), 0), -1, 'no slot is reserved for the runs of another')
  await setSeats({ 0: open(3) })
  t.equal(table.warm(0), 3, 'no slow start')
})

t.test(
  'the forecast is the work that waits, by what it took lately, over all JRubies for new runs',
  async t => {
    const { table, setSeats, a } = await tableOf({
      0: open(1),
      1: open(1),
      2: open(9, { takesNewRuns: false })
    })
    const first = a.take(catalog(0, 0), 0)
    a.take(catalog(1, 1), 1)
    t.equal(table.forecastMs(), 0)
    a.release(first, 4_000)
    for (let count = 0; count < 6; count++) a.wait(catalog(2, 0, 1))
    t.equal(table.forecastMs(), (5 * 4_000) / 2)
    await setSeats({})
    t.equal(table.forecastMs(), 0, 'and nobody knows while none takes new runs')
  }
)

t.test('a request whose agent left keeps its slot, and is counted apart until it is released', async t => {
  const { table, a, b } = await tableOf({ 0: open(1), 1: open(1) })
  const ghost = a.take(catalog(0, 0), 0)
  const other = b.take(catalog(1, 1), 1)
  const next = waiting(a, catalog(2, 0, 1))
  a.leave(ghost)
  a.leave(ghost)
  a.leave(next)
  t.same([table.taken(0), table.ghosts(0), table.ghosts(1)], [1, 1, 0])
  t.equal(a.seatOf(next), -1)
  a.release(ghost)
  t.same([table.taken(0), table.ghosts(0)], [1, 0])
  t.equal(a.seatOf(next), 0)
  b.leave(other)
  await table.removeWorker(0)
  t.same([table.taken(1), table.ghosts(1)], [1, 1], 'also when another worker died')
  await table.removeWorker(1)
  t.same([table.taken(1), table.ghosts(1)], [0, 0])
})

t.test('a worker that dies gives back what it held, and what it waited for', async t => {
  const { table, a, b } = await tableOf({ 0: open(2) })
  a.take(catalog(0, 0), 0)
  a.take(catalog(1, 0), 0)
  waiting(a, catalog(2, 0))
  const survivor = waiting(b, catalog(3, 0))
  await table.removeWorker(0)
  t.equal(b.seatOf(survivor), 0)
  t.equal(table.taken(0), 1)
  t.equal(table.waiting(2), 0)
})

const agent = (cell: number): Claimant => ({ cell, slots: 4, places: 16 })

t.test('nobody is given a second slot before another has the first', async t => {
  const { a, b } = await tableOf({ 3: open(1) })
  const of = (dueMs: number, cell: number) => ({ ...catalog(dueMs, 3), claimant: agent(cell) })
  const running = a.take(of(0, 1), 3)
  const second = waiting(a, of(1, 2))
  const other = b.wait(of(9, 3))
  a.release(running)
  t.equal(a.seatOf(second), 3, 'equals are served in their order')
  const third = waiting(a, of(2, 2))
  t.equal(a.take(of(0, 2), 3), -1)
  a.release(second)
  t.same([a.seatOf(third), b.seatOf(other)], [3, -1], 'and who holds nothing any more is equal again')
})

t.test('a newcomer goes before those who wait for their second slot, whenever they came', async t => {
  const { a } = await tableOf({ 3: open(2) })
  const of = (dueMs: number, cell: number) => ({ ...catalog(dueMs, 3), claimant: agent(cell) })
  const held = [a.take(of(0, 1), 3), a.take(of(0, 2), 3)]
  const second = waiting(a, of(1, 1))
  const first = waiting(a, of(99, 3))
  a.release(held[1] as number)
  t.same([a.seatOf(second), a.seatOf(first)], [-1, 3])
})

t.test(
  'one claimant holds so many slots and no more, and has the next one wherever that is free',
  async t => {
    const { a, b } = await tableOf({ 3: open(4), 5: open(4) })
    const claim = { ...catalog(0, 3, 5), claimant: agent(7) }
    const held = [3, 3, 5, 5].map(seat => a.take(claim, seat))
    t.equal(b.take(claim, 3), -1)
    const further = waiting(b, claim)
    a.release(held[0] as number)
    t.ok(b.seatOf(further) >= 0)
  }
)

t.test('an agent that has left is counted until its master is done', async t => {
  const { a } = await tableOf({ 3: open(9) })
  const claim = { ...catalog(0, 3), claimant: agent(7) }
  for (let count = 0; count < 4; count++) a.leave(a.take(claim, 3))
  t.equal(a.take(claim, 3), -1)
})

t.test('one claimant has so many places in the queue and no more, over all workers', async t => {
  const { a, b, table } = await tableOf({ 3: open(1) })
  const claim = { ...catalog(0, 3), claimant: { ...agent(7), places: 2 } }
  a.take(claim, 3)
  const places = [waiting(a, claim), waiting(b, claim)]
  t.equal(a.wait(claim), noPlace)
  t.equal(table.depth(), 2)
  t.ok(a.wait({ ...claim, claimant: agent(8) }) >= 0, 'others are not refused for it')
  a.release(places[0] as number)
  t.ok(b.wait(claim) >= 0)
})

t.test('strangers have one slot together, and after everybody else', async t => {
  const { a } = await tableOf({ 3: open(2) })
  const stranger = { ...light(0, 3), claimant: strangers }
  const first = a.take(stranger, 3)
  t.ok(first >= 0)
  t.equal(a.take(stranger, 3), -1, 'though there is room')
  const running = a.take({ ...catalog(0, 3), claimant: agent(1) }, 3)
  const next = waiting(a, stranger)
  const agents = [
    waiting(a, { ...catalog(50, 3), claimant: agent(1) }),
    waiting(a, { ...catalog(99, 3), claimant: agent(2) })
  ]
  a.release(first)
  a.release(running)
  t.same([a.seatOf(next), ...agents.map(a.seatOf)], [-1, 3, 3])
  a.release(agents[0] as number)
  t.equal(a.seatOf(next), 3)
})

t.test('what a dead worker held is no more counted against its claimants', async t => {
  const { a, b, table } = await tableOf({ 3: open(9) })
  const claim = { ...catalog(0, 3), claimant: agent(7) }
  for (let count = 0; count < 4; count++) b.take(claim, 3)
  const mine = waiting(a, claim)
  await table.removeWorker(1)
  t.equal(a.seatOf(mine), 3)
  t.equal(table.taken(3), 1)
})

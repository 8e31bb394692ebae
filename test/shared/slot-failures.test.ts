import t from 'tap'
import { strangers } from '../../src/shared/slots/claimants.ts'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { Claimant, SlotClaim } from '../../src/shared/slots/types.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** What a catalog takes. */
const SERVED_MS = 8_000

const agent = (cell: number): Claimant => ({ cell, slots: 4, places: 16 })
let lastCell = 0
/** A catalog of another agent each time. */
const catalog = (seats: readonly number[], claimant = agent(++lastCell)): SlotClaim => ({
  rank: 2,
  dueMs: lastCell,
  mask: maskOf(seats),
  claimant
})

/** A table of seats with two JRubies each, which knows how long catalogs take. */
async function setUp(seats: readonly number[] = [3, 5]) {
  const table = createSlotTable({ workers: 2, entries: 64 }, fakeRuntime())
  const setSeats = (jrubies: number, of = seats) =>
    table.setSeats(new Map(of.map(seat => [seat, { capacity: jrubies, foreign: 0, takesNewRuns: true }])))
  await setSeats(2)
  const [a, b] = [table.join(0), table.join(1)]
  a.release(a.take(catalog(seats), seats[0] as number), SERVED_MS)
  /** A catalog fails at a seat right after it got there. */
  const failAt = (seat: number, claimant?: Claimant) => {
    const ticket = a.take(catalog([seat], claimant), seat)
    t.ok(ticket >= 0)
    return { ticket, restMs: a.fail(ticket, 0) }
  }
  return { table, setSeats, a, b, failAt }
}

t.test('a catalog that failed at once counts at its master for as long as it would have taken', async t => {
  const { table, a, failAt } = await setUp()
  const { ticket, restMs } = failAt(3)
  t.equal(restMs, SERVED_MS)
  t.same([table.failed(3), table.taken(3)], [1, 0])
  a.release(ticket)
  t.equal(table.failed(3), 0)
})

t.test(
  'one that failed when it would have been done counts no longer, and none longer than a minute',
  async t => {
    const { table, a } = await setUp()
    const late = a.take(catalog([3]), 3)
    t.equal(a.fail(late, 9_000), 0)
    t.same([table.failed(3), table.taken(3)], [0, 0])
    const half = a.take(catalog([3]), 3)
    t.equal(a.fail(half, 5_000), 3_000)
    a.release(half)
    for (let count = 0; count < 100; count++) a.release(a.take(catalog([3]), 3), 600_000)
    const long = a.take(catalog([3]), 3)
    t.equal(a.fail(long, 5_000), 60_000)
  }
)

t.test('while nobody knows how long catalogs take, one that failed counts for a second', async t => {
  const table = createSlotTable({ workers: 1, entries: 8 }, fakeRuntime())
  await table.setSeats(new Map([[3, { capacity: 2, foreign: 0, takesNewRuns: true }]]))
  const user = table.join(0)
  t.equal(user.fail(user.take(catalog([3]), 3), 1), 999)
  t.equal(table.failed(3), 1)
})

t.test('a master that fails everything at once draws no more than it could serve', async t => {
  const { a, b, table, failAt } = await setUp()
  const busy = [5, 5].map(seat => b.take(catalog([seat]), seat))
  const failed = [failAt(3), failAt(3)]
  t.equal(a.take(catalog([3, 5]), 3), -1)
  const next = a.wait(catalog([3, 5]))
  t.equal(a.seatOf(next), -1, 'it waits for one where none failed')
  t.equal(a.reservedForMs(), undefined, 'and nobody needs to look after it')
  a.release(failed[0]?.ticket as number)
  t.equal(a.seatOf(next), 3, 'or until the failed one would have been done')
  b.release(busy[0] as number)
  t.equal(table.hasRoom(5), true)
})

t.test('what may go nowhere else, or is no catalog, does not wait for it', async t => {
  const { a, failAt } = await setUp()
  for (let count = 0; count < 2; count++) failAt(3)
  const light: SlotClaim = { rank: 0, dueMs: 0, mask: maskOf([3, 5]), claimant: agent(++lastCell) }
  const taken = [a.take(catalog([3]), 3), a.take(light, 3)]
  t.ok(taken.every(ticket => ticket >= 0))
})

t.test('where all masters fail alike, and at the last one, nothing waits', async t => {
  const { setSeats, a, b, failAt } = await setUp()
  for (const seat of [3, 3, 5, 5]) failAt(seat)
  const all = [3, 3, 5, 5].map(seat => a.take(catalog([3, 5]), seat))
  t.ok(all.every(ticket => ticket >= 0))
  for (const ticket of all) a.release(ticket)
  b.take(catalog([5]), 5)
  const [one, two] = [a.take(catalog([3, 5]), 3), a.take(catalog([3, 5]), 3)]
  t.ok(one >= 0 && two >= 0)
  a.release(two)
  await setSeats(2, [3])
  t.ok(a.take(catalog([3, 5]), 3) >= 0)
})

for (const [when, change] of [
  ['one has failed there as well', ({ b, busy }) => b.fail(busy[0] as number, 0)],
  ['that is gone', ({ setSeats }) => setSeats(2, [3])]
] as readonly [string, (scene: Awaited<ReturnType<typeof setUp>> & { busy: number[] }) => unknown][]) {
  t.test(`those who wait for a better master go to this one when ${when}`, async t => {
    const scene = await setUp()
    const { b, failAt } = scene
    const busy = [5, 5].map(seat => b.take(catalog([seat]), seat))
    for (let count = 0; count < 2; count++) failAt(3)
    const next = b.wait(catalog([3, 5]))
    t.equal(b.seatOf(next), -1)
    await change({ ...scene, busy })
    t.equal(b.seatOf(next), 3)
  })
}

t.test('the broken catalog of one agent counts once, and of one that asks for several so often', async t => {
  const { table, failAt, a } = await setUp()
  const broken = agent(60_000)
  t.equal(failAt(3, broken).restMs, SERVED_MS)
  t.equal(failAt(3, broken).restMs, 0)
  t.equal(failAt(5, broken).restMs, 0, 'wherever it asks')
  t.same([table.failed(3), table.failed(5)], [1, 0])
  for (let count = 0; count < 2; count++) a.take(catalog([5], broken), 5)
  t.equal(failAt(3, broken).restMs, SERVED_MS)
})

t.test('it counts for no claimant as a slot, and never for those without a certificate', async t => {
  const { table, a, setSeats, failAt } = await setUp()
  const one = { ...agent(60_001), slots: 1 }
  failAt(3, one)
  t.ok(a.take(catalog([3], one), 3) >= 0)
  await setSeats(8)
  const stranger = a.take(catalog([3], strangers), 3)
  t.equal(a.fail(stranger, 0), 0)
  t.equal(table.failed(3), 1)
})

t.test('no more of them count than the master has JRubies', async t => {
  const { table, failAt } = await setUp()
  for (let count = 0; count < 5; count++) failAt(3)
  t.equal(table.failed(3), 2)
})

t.test('one whose agent has left may fail as well; one that waits or was given back does not', async t => {
  const { table, a } = await setUp()
  const ghost = a.take(catalog([3]), 3)
  a.leave(ghost)
  t.equal(a.fail(ghost, 0), SERVED_MS)
  t.same([table.ghosts(3), table.taken(3), table.failed(3)], [0, 0, 1])
  t.equal(a.fail(ghost, 0), 0, 'not twice')
  t.equal(table.failed(3), 0)
  const [one, two] = [a.take(catalog([3]), 3), a.take(catalog([3]), 3)]
  const waits = a.wait(catalog([3]))
  t.equal(a.fail(waits, 0), 0)
  t.equal(table.depth(), 0)
  a.release(one)
  a.release(two)
})

t.test('what a dead worker had failed counts no more', async t => {
  const { table, failAt, b } = await setUp()
  failAt(3)
  const other = b.take(catalog([5]), 5)
  b.fail(other, 0)
  await table.removeWorker(0)
  t.same([table.failed(3), table.failed(5)], [0, 1])
  b.release(other)
  t.equal(table.failed(5), 0)
})

import t from 'tap'
import { strangers } from '../../src/shared/slots/claimants.ts'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { Claimant, SlotClaim } from '../../src/shared/slots/types.ts'
import { fakeRuntime } from '../support/runtime.ts'

const SILENT = 3
const OTHER = 5
const one: Claimant = { cell: 1, slots: 1, places: 16 }
const catalog = (seat: number, claimant: Claimant): SlotClaim => ({
  rank: 2,
  dueMs: 0,
  mask: maskOf([seat]),
  claimant
})

/** Two seats with one JRuby each; `who` has that of the silent one, and left it for the other. */
async function setUp(who: Claimant) {
  const table = createSlotTable({ workers: 2, entries: 16 }, fakeRuntime())
  const limits = { capacity: 1, foreign: 0, takesNewRuns: true }
  await table.setSeats(
    new Map([
      [SILENT, limits],
      [OTHER, limits]
    ])
  )
  const user = table.join(0)
  const ghost = user.take(catalog(SILENT, who), SILENT)
  user.leave(ghost)
  return { table, user, ghost }
}

t.test('a slot that was left for another master stays taken, and counts for nobody', async t => {
  const { table, user, ghost } = await setUp(one)
  t.equal(user.take(catalog(OTHER, one), OTHER), -1, 'before, it is all that its claimant may have')
  user.disown(ghost)
  t.same([table.taken(SILENT), table.ghosts(SILENT)], [1, 1])
  t.ok(user.take(catalog(OTHER, one), OTHER) >= 0)
  user.release(ghost)
  t.same([table.taken(SILENT), table.ghosts(SILENT)], [0, 0])
  t.equal(user.take(catalog(SILENT, one), SILENT), -1, 'and what it has elsewhere counts on')
})

t.test('whoever waits for that gets what is free elsewhere', async t => {
  const { user, ghost } = await setUp(one)
  const waits = user.wait(catalog(OTHER, one))
  t.equal(user.seatOf(waits), -1)
  user.disown(ghost)
  t.equal(user.seatOf(waits), OTHER)
})

t.test('that holds when the table is counted anew', async t => {
  const { table, user, ghost } = await setUp(one)
  user.disown(ghost)
  await table.removeWorker(1)
  t.equal(table.taken(SILENT), 1)
  t.ok(user.take(catalog(OTHER, one), OTHER) >= 0)
})

t.test('those without a certificate have one slot in all, wherever it is', async t => {
  const { user, ghost } = await setUp(strangers)
  user.disown(ghost)
  t.equal(user.take(catalog(OTHER, strangers), OTHER), -1)
})

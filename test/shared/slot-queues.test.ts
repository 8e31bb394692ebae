import t from 'tap'
import { createReturnTurns } from '../../src/shared/return-turns.ts'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { SlotClaim } from '../../src/shared/slots/types.ts'
import { fakeRuntime } from '../support/runtime.ts'

const claim = (queue: number, seats: readonly number[]): SlotClaim => ({
  rank: 2,
  queue,
  dueMs: 0,
  mask: maskOf(seats)
})

/** Seat 0 is of queue 0, seat 1 of queue 3, each with a JRuby that is taken; catalogs take 1 and 4 seconds there. */
async function scene(queuesOfSeat1 = 1 << 3) {
  const table = createSlotTable({ workers: 2, entries: 32 }, fakeRuntime())
  await table.setSeats(
    new Map([
      [0, { capacity: 1, foreign: 0, takesNewRuns: true }],
      [1, { capacity: 1, foreign: 0, takesNewRuns: true, queues: queuesOfSeat1 }]
    ])
  )
  const user = table.join(0)
  user.release(user.take(claim(0, [0]), 0), 1_000)
  user.release(user.take(claim(3, [1]), 1), 4_000)
  user.take(claim(0, [0]), 0)
  user.take(claim(3, [1]), 1)
  return { table, user }
}

t.test('those who wait are counted and forecast by queue', async t => {
  const { table, user } = await scene()
  const tickets = [user.wait(claim(0, [0])), user.wait(claim(3, [1])), user.wait(claim(3, [1]))]
  t.same([table.depth(), table.depth(0), table.depth(3), table.depth(1)], [3, 1, 2, 0])
  t.same([table.waiting(2), table.waiting(2, 3), table.waiting(1, 3)], [3, 2, 0])
  t.same([table.forecastMs(), table.forecastMs(3), table.forecastMs(1)], [1_000, 8_000, 0])
  user.remask(tickets[1] as number, maskOf([0]), 0)
  t.same([table.depth(0), table.depth(3)], [2, 1], 'and who goes over to another is counted there')
  for (const ticket of tickets) user.release(ticket)
  t.same([table.depth(), table.depth(0), table.depth(3)], [0, 0, 0])
})

t.test('of a seat that two queues share, both have what waits', async t => {
  const { table, user } = await scene((1 << 0) | (1 << 3))
  user.wait(claim(0, [0, 1]))
  user.wait(claim(0, [0, 1]))
  user.wait(claim(3, [1]))
  t.equal(table.forecastMs(0), (2 * 1_000 + 4_000) / 2)
  t.equal(table.forecastMs(3), 4_000 + 2 * 1_000 * (1 / 2))
})

t.test('queues are counted anew when a worker dies', async t => {
  const { table, user } = await scene()
  user.wait(claim(3, [1]))
  table.join(1).wait(claim(3, [1]))
  await table.removeWorker(0)
  t.same([table.depth(), table.depth(3)], [0, 0], 'whose slot the other one has')
})

t.test('turns of one queue do not put off those of another', async t => {
  const turns = createReturnTurns({ workers: 1, ...fakeRuntime() })
  const wish = { nowMs: 0, earliestMs: 10_000, latestMs: 1_000_000, paceMs: 1_000 }
  t.same(
    ['a', 'b', 'c'].map(name => turns.turnOf(0, name, wish)),
    [11_000, 12_000, 13_000]
  )
  t.equal(turns.turnOf(0, 'x/a', { ...wish, queue: 2 }), 11_000)
})

import t from 'tap'
import { only } from '../../src/balance/eligibility.ts'
import { createReturnTimes } from '../../src/data/http/return-times.ts'
import { createWaitingRoom } from '../../src/data/http/wait.ts'
import type { Master } from '../../src/model/master.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

t.test('each has a turn behind the queue and those sent away before', async t => {
  const { now, advance } = fakeRuntime()
  const returnTimes = createReturnTimes({ now, depth: () => 100, workers: 1 })
  t.same([returnTimes(50_000), returnTimes(50_000), returnTimes(50_000)], [50_500, 51_000, 51_500])
  await advance(1_000)
  t.equal(returnTimes(50_000), 51_000, 'a turn that was given stays where it is')
  await advance(60_000)
  t.equal(returnTimes(50_000), 50_500, 'turns that are over are forgotten')
})

t.test('one of two workers leaves room for the turns that the other gives', async t => {
  const returnTimes = createReturnTimes({ now: () => 0, depth: () => 100, workers: 2 })
  t.same([returnTimes(50_000), returnTimes(50_000)], [51_000, 52_000])
})

t.test('a queue that emptied meanwhile gives a turn all the same', async t => {
  const returnTimes = createReturnTimes({ now: () => 0, depth: () => 0, workers: 1 })
  t.equal(returnTimes(50_000), 100_000)
})

t.test('of a herd that needs ten times as long as the queue may, nobody is sent away twice', async t => {
  const runtime = fakeRuntime()
  const table = createSlotTable({ workers: 1, entries: 400 }, runtime)
  await table.setSeats(new Map([[0, { capacity: 4, foreign: 0, takesNewRuns: true }]]))
  const [master] = masters({ m1: 1 }) as [Master]
  const room = createWaitingRoom({
    user: table.join(0),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(2),
    hasRoom: table.hasRoom,
    masterAt: () => master,
    onDefect: error => t.fail(String(error))
  })
  const returnTimes = createReturnTimes({ now: runtime.now, depth: table.depth, workers: 1 })
  const sentAway: number[] = []
  function ask(times: number): void {
    const forecastMs = table.forecastMs()
    if (forecastMs > 60_000) {
      runtime.schedule(returnTimes(forecastMs), () => ask(times + 1))
      return
    }
    room.ask({
      rank: 'catalog',
      sinceMs: runtime.now(),
      waitedMs: 0,
      limit: 400,
      timeoutMs: 300_000,
      mayWaitOn: () => false,
      eligible: only(master),
      eligibleAnew: () => only(master),
      pick: candidates => candidates[0],
      settle: (_result, hold) =>
        runtime.schedule(8_000, () => {
          hold.release(true)
          sentAway.push(times)
        })
    })
  }
  ask(0)
  await runtime.advance(8_000)
  for (let count = 0; count < 300; count++) ask(0)
  await runtime.advance(700_000)
  t.equal(sentAway.length, 301)
  t.equal(Math.max(...sentAway), 1)
})

import t from 'tap'
import { createReturns } from '../../src/data/http/return-times.ts'
import { createSlotQueue } from '../../src/data/http/wait.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import { fakeRuntime } from '../support/runtime.ts'

t.test('each has a turn behind the queue and those sent away before', async t => {
  const { now, advance } = fakeRuntime()
  const returns = createReturns({ now, depth: () => 100, workers: 1 })
  t.same([returns(50_000), returns(50_000), returns(50_000)], [50_500, 51_000, 51_500])
  await advance(1_000)
  t.equal(returns(50_000), 51_000, 'a turn that was given stays where it is')
  await advance(60_000)
  t.equal(returns(50_000), 50_500, 'turns that are over are forgotten')
})

t.test('one of two workers leaves room for the turns that the other gives', async t => {
  const returns = createReturns({ now: () => 0, depth: () => 100, workers: 2 })
  t.same([returns(50_000), returns(50_000)], [51_000, 52_000])
})

t.test('a queue that emptied meanwhile gives a turn all the same', async t => {
  const returns = createReturns({ now: () => 0, depth: () => 0, workers: 1 })
  t.equal(returns(50_000), 100_000)
})

t.test('of a herd that needs ten times as long as the queue may, nobody is sent away twice', async t => {
  const runtime = fakeRuntime()
  const table = createSlotTable({ workers: 1, masters: 1, entries: 400 }, runtime.now)
  table.setMasters([{ tier: 0, capacity: 4, foreign: 0 }])
  const queue = createSlotQueue({
    user: table.join(0),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(2),
    limit: 400,
    timeoutMs: 300_000
  })
  const returns = createReturns({ now: runtime.now, depth: table.depth, workers: 1 })
  const sentAway: number[] = []
  function ask(times: number): void {
    const forecastMs = table.forecastMs()
    if (forecastMs > 60_000) {
      runtime.schedule(returns(forecastMs), () => ask(times + 1))
      return
    }
    queue.ask({
      rank: 'catalog',
      sinceMs: runtime.now(),
      waitedMs: 0,
      mayWaitOn: () => false,
      pinned: -1,
      tried: [],
      first: 0,
      order: () => [0],
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

import t from 'tap'
import { only } from '../../src/balance/eligibility.ts'
import { createReturnTimes, type ReturnTimes } from '../../src/data/http/return-times.ts'
import { createWaitingRoom } from '../../src/data/http/wait.ts'
import type { Master } from '../../src/model/master.ts'
import { createReturnTurns } from '../../src/shared/return-turns.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** The agents that one worker of several sends away; all share the turns. */
function setUp({ depth = 100, workers = 1 } = {}) {
  const runtime = fakeRuntime()
  const turns = createReturnTurns({ workers, ...runtime })
  const [first, ...others] = Array.from({ length: workers }, (_, worker) =>
    createReturnTimes({ depth: () => depth, turns, worker, runtime })
  ) as [ReturnTimes, ...ReturnTimes[]]
  return { runtime, returnTimes: first, others, turns }
}

t.test('each has a turn behind the queue and those sent away before', async t => {
  const { returnTimes, runtime } = setUp()
  t.same(
    ['a', 'b', 'c'].map(certname => returnTimes(50_000, certname)),
    [50_500, 51_000, 51_500]
  )
  await runtime.advance(1_000)
  t.equal(returnTimes(50_000, 'd'), 51_000, 'a turn that was given stays where it is')
  await runtime.advance(60_000)
  t.equal(returnTimes(50_000, 'e'), 50_500, 'turns that are over are forgotten')
})

t.test('a certname that asks before its turn is told the same turn, and moves nobody else', async t => {
  const { returnTimes, runtime } = setUp()
  t.equal(returnTimes(50_000, 'a'), 50_500)
  await runtime.advance(10_000)
  for (let count = 0; count < 1_000; count++) returnTimes(50_000, 'a')
  t.equal(returnTimes(50_000, 'a'), 40_500)
  t.equal(returnTimes(50_000, 'b'), 50_500)
  await runtime.advance(40_500)
  t.equal(returnTimes(50_000, 'a'), 50_500, 'and another one when that is over')
})

t.test(
  'three thousand requests without a certificate move nobody, and do not come back together',
  async t => {
    const { returnTimes } = setUp()
    const strangers = new Set(
      Array.from({ length: 3_000 }, () => Math.ceil(returnTimes(50_000, undefined) / 1_000))
    )
    t.equal(returnTimes(50_000, 'a'), 50_500)
    t.ok(strangers.size > 40, `${strangers.size} different seconds`)
    t.ok([...strangers].every(seconds => seconds >= 50 && seconds <= 100))
  }
)

t.test(
  'two workers give the same turn to the same agent, and different ones to different agents',
  async t => {
    const { returnTimes, others } = setUp({ workers: 2 })
    const [elsewhere] = others as [ReturnTimes]
    t.same(
      [returnTimes(50_000, 'a'), elsewhere(50_000, 'b'), elsewhere(50_000, 'a')],
      [50_500, 51_000, 50_500]
    )
  }
)

t.test(
  'turns are seconds apart as long as there are seconds left, and then lie between those given',
  async t => {
    const { returnTimes } = setUp({ depth: 10 })
    const secondsOf = (name: string, count: number) =>
      Array.from({ length: count }, (_, index) => Math.ceil(returnTimes(20_000, `${name}${index}`) / 1_000))
    const first = secondsOf('a', 890)
    t.equal(new Set(first).size, 890, 'no two the same')
    t.ok(Math.max(...first) <= 1_800, 'none later than an agent can be told')
    const all = [...first, ...secondsOf('b', 890)]
    const most = Math.max(...[...Map.groupBy(all, second => second).values()].map(({ length }) => length))
    t.ok(most <= 2, `${most} in one second`)
    t.ok(new Set(all).size > 1_500, `${new Set(all).size} different seconds for ${all.length} agents`)
  }
)

t.test('more agents than the table holds get turns all the same', async t => {
  const { returnTimes } = setUp({ depth: 1_000 })
  for (let index = 0; index < 20_000; index++) {
    const ms = returnTimes(50_000, `agent-${index}`)
    if (ms < 0 || ms > 1_800_000) t.fail(`${ms}`)
  }
  t.equal(returnTimes(50_000, 'agent-19999'), returnTimes(50_000, 'agent-19999'))
})

t.test('a queue that emptied meanwhile gives a turn all the same', async t => {
  const { returnTimes } = setUp({ depth: 0 })
  t.equal(returnTimes(50_000, 'a'), 100_000)
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
    hasWarmRoom: table.hasWarmRoom,
    masterAt: () => master,
    onDefect: error => t.fail(String(error))
  })
  const turns = createReturnTurns({ workers: 1, ...runtime })
  const returnTimes = createReturnTimes({ depth: table.depth, turns, worker: 0, runtime })
  const sentAway: number[] = []
  function ask(times: number, certname: string): void {
    const forecastMs = table.forecastMs()
    if (forecastMs > 60_000) {
      runtime.schedule(returnTimes(forecastMs, certname), () => ask(times + 1, certname))
      return
    }
    room.ask({
      rank: 'catalog',
      sinceMs: runtime.now(),
      limit: 400,
      limits: () => ({
        untilMs: runtime.now() + 300_000,
        mayWaitOn: () => false,
        latestMs: Number.POSITIVE_INFINITY,
        awayUntilMs: undefined
      }),
      eligible: only(master),
      eligibleAnew: () => only(master),
      pick: candidates => candidates[0],
      settle: (_result, hold) =>
        runtime.schedule(8_000, () => {
          hold.release(true)
          sentAway.push(times)
        }),
      fail: defect => t.fail(String(defect))
    })
  }
  ask(0, 'first')
  await runtime.advance(8_000)
  for (let count = 0; count < 300; count++) ask(0, `agent-${count}`)
  await runtime.advance(700_000)
  t.equal(sentAway.length, 301)
  t.equal(Math.max(...sentAway), 1)
})

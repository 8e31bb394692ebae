import t from 'tap'
import { createJRubyLoad } from '../../src/control/master-watch/jruby-load.ts'
import type { JRubyReport } from '../../src/puppet/jruby-metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'

const report = (rest: Partial<JRubyReport> = {}): JRubyReport => ({
  capacity: 2,
  busy: 0,
  waiting: 0,
  isWarm: true,
  ...rest
})

function setUp(configured?: number) {
  const runtime = fakeRuntime()
  const state = {
    report: undefined as JRubyReport | 'not-asked' | undefined,
    taken: 0,
    ghosts: 0,
    changes: 0,
    asked: 0,
    isCounted: true,
    intervalMs: 5_000,
    configured
  }
  const done: number[] = []
  const load = createJRubyLoad({
    intervalMs: () => state.intervalMs,
    configured: () => state.configured,
    async ask() {
      state.asked++
      return state.report
    },
    taken: () => state.taken,
    ghosts: () => state.ghosts,
    isCounted: () => state.isCounted,
    runtime,
    changed: () => state.changes++,
    ghostsDone: leftBeforeMs => done.push(leftBeforeMs)
  })
  return { runtime, state, load, done }
}

t.test('a master that does not tell counts as one of four JRubies', async t => {
  const { load } = setUp()
  await load.start()
  t.equal(load.capacity(), 4)
  t.equal(load.foreign(), 0)
})

t.test('what a master tells is learnt, and followed when it changes', async t => {
  const { load, state, runtime } = setUp()
  state.report = report({ capacity: 8 })
  await load.start()
  t.equal(load.capacity(), 8)
  state.report = report({ capacity: 6 })
  await runtime.advance(5_600)
  t.equal(load.capacity(), 6)
  t.equal(state.changes, 2)
})

t.test('a configured capacity is kept whatever the master tells', async t => {
  const { load, state } = setUp(3)
  state.report = report({ capacity: 8 })
  await load.start()
  t.equal(load.capacity(), 3)
})

t.test('what a master does beyond our own requests is foreign', async t => {
  const { load, state } = setUp()
  state.taken = 1
  state.report = report({ capacity: 4, busy: 3, waiting: 2 })
  await load.start()
  t.equal(load.foreign(), 4)
})

t.test('requests of ours that began or ended while it answered are not foreign', async t => {
  const { load, state } = setUp()
  state.taken = 2
  state.report = report({ busy: 2 })
  const started = load.start()
  state.taken = 0
  await started
  t.equal(load.foreign(), 0)
})

t.test('what one report alone calls foreign does not count', async t => {
  const { load, state, runtime } = setUp()
  state.report = report({ capacity: 4, busy: 0 })
  await load.start()
  state.report = report({ capacity: 4, busy: 1 })
  await runtime.advance(5_600)
  t.equal(load.foreign(), 0)
  await runtime.advance(5_600)
  t.equal(load.foreign(), 1, 'until the next one agrees')
})

t.test('a report grows old: then nothing is foreign, and the capacity stays as learnt', async t => {
  const { load, state, runtime } = setUp()
  state.report = report({ capacity: 8, busy: 5, isWarm: false })
  await load.start()
  state.report = undefined
  await runtime.advance(10_000)
  t.equal(load.foreign(), 5)
  await runtime.advance(12_000)
  t.equal(load.capacity(), 8)
  t.equal(load.foreign(), 0)
  t.equal(load.isWarm(), true)
})

t.test(
  'while a master works for others it is asked five times as often, and then at leisure again',
  async t => {
    const { load, state, runtime } = setUp()
    state.report = report({ capacity: 4, busy: 1 })
    await load.start()
    await runtime.advance(5_600)
    const before = state.asked
    await runtime.advance(10_000)
    t.ok(state.asked - before >= 9, `asked ${state.asked - before} times in 10 s`)
    state.report = report({ capacity: 4 })
    await runtime.advance(15_000)
    const calm = state.asked
    await runtime.advance(20_000)
    t.ok(state.asked - calm <= 5, `asked ${state.asked - calm} times in 20 s`)
  }
)

t.test('one that is reached by raw TCP works for others all the time, and is asked at leisure', async t => {
  const { load, state, runtime } = setUp()
  state.isCounted = false
  state.report = report({ capacity: 4, busy: 1 })
  await load.start()
  await runtime.advance(5_600)
  const before = state.asked
  await runtime.advance(20_000)
  t.ok(state.asked - before <= 5, `asked ${state.asked - before} times in 20 s`)
})

t.test('a short interval is not made absurdly short', async t => {
  const { load, state, runtime } = setUp()
  state.intervalMs = 250
  state.report = report({ capacity: 4, busy: 1 })
  await load.start()
  await runtime.advance(300)
  const before = state.asked
  await runtime.advance(1_000)
  t.ok(state.asked - before <= 12, `asked ${state.asked - before} times in a second`)
})

t.test('a master that is still making its JRubies is not warm', async t => {
  const { load, state } = setUp()
  state.report = report({ busy: 2, isWarm: false })
  await load.start()
  t.equal(load.isWarm(), false)
  t.equal(load.isFull(), true)
})

t.test('a master that thrice runs no more than agents wait for is done with those who left', async t => {
  const { load, state, runtime, done } = setUp()
  Object.assign(state, { taken: 2, ghosts: 1, report: report({ busy: 1 }) })
  await load.start()
  await runtime.advance(5_600)
  t.same(done, [], 'once or twice may be chance')
  await runtime.advance(5_600)
  t.same(done, [0], 'and it is those who had left when it was first asked')
  await runtime.advance(5_600)
  t.equal(done.length, 2)
  t.ok((done[1] as number) > 0, 'and later those who left later')
})

t.test('a report that does not come breaks the row', async t => {
  const { load, state, runtime, done } = setUp()
  Object.assign(state, { taken: 2, ghosts: 1, report: report({ busy: 1 }) })
  await load.start()
  await runtime.advance(5_600)
  state.report = undefined
  await runtime.advance(5_600)
  state.report = report({ busy: 1 })
  await runtime.advance(2 * 5_600)
  t.same(done, [])
  await runtime.advance(5_600)
  t.equal(done.length, 1)
})

t.test(
  'one who leaves while the master tells is found to be done with by the reports that follow',
  async t => {
    const { load, state, runtime, done } = setUp()
    state.report = report()
    await runtime.advance(1_000)
    const started = load.start()
    Object.assign(state, { taken: 1, ghosts: 1 })
    await started
    await runtime.advance(2 * 5_600)
    t.same(done, [1_000], 'not by the one that was asked for before')
    await runtime.advance(5_600)
    t.ok((done[1] as number) > 1_000)
  }
)

t.test('a master that runs more than agents wait for works for one who left', async t => {
  const { load, state, runtime, done } = setUp()
  Object.assign(state, { taken: 2, ghosts: 1, report: report({ busy: 1 }) })
  await load.start()
  await runtime.advance(5_600)
  state.report = report({ busy: 2 })
  await runtime.advance(5_600)
  state.report = report({ busy: 1 })
  await runtime.advance(2 * 5_600)
  t.same(done, [], 'one report against it and all begins anew')
  state.report = report({ busy: 1, waiting: 1 })
  await runtime.advance(5 * 5_600)
  t.same(done, [], 'what waits in the master counts as well')
})

t.test('a reload changes the configured capacity and the interval in place', async t => {
  const { load, state, runtime } = setUp(3)
  state.report = report({ capacity: 8 })
  await load.start()
  state.configured = 5
  t.equal(load.capacity(), 5)
  state.configured = undefined
  t.equal(load.capacity(), 8, 'what it told was learnt all the same')
  state.intervalMs = 60_000
  await runtime.advance(5_600)
  t.equal(state.asked, 2)
  await runtime.advance(53_000)
  t.equal(state.asked, 2)
  await runtime.advance(14_000)
  t.equal(state.asked, 3)
})

t.test('a master that is not watched any more is not asked again, and nothing is learnt of it', async t => {
  const { load, state, runtime } = setUp()
  await load.start()
  state.report = report({ capacity: 8 })
  load.stop()
  await runtime.advance(60_000)
  t.equal(state.asked, 1)
  const late = setUp()
  late.state.report = report({ capacity: 8 })
  const started = late.load.start()
  late.load.stop()
  await started
  t.equal(late.load.capacity(), 4, 'nor from what it was asked before')
  t.equal(late.state.changes, 0)
})

t.test('what is believed of a master stands while a fault of our own keeps us from asking', async t => {
  const { load, state, runtime } = setUp()
  state.report = report({ capacity: 8, busy: 3 })
  await load.start()
  await runtime.advance(5_600)
  t.equal(load.foreign(), 3)
  state.report = 'not-asked'
  await runtime.advance(60_000)
  t.equal(load.foreign(), 3)
  t.equal(load.capacity(), 8)
})

import t from 'tap'
import { HUNG_MS, watchHungWorkers } from '../../src/control/hung-workers.ts'
import { createHeartbeats } from '../../src/shared/heartbeats.ts'
import { fakeRuntime } from '../support/runtime.ts'

const BEAT_MS = 1_000

/** Watched workers; those in `turning` beat once a second. */
function setUp(t: { teardown: (task: () => unknown) => void }, workers: readonly number[]) {
  const runtime = fakeRuntime()
  const heartbeats = createHeartbeats({ workers: workers.length })
  const turning = new Set(workers)
  const hung: { worker: number; atMs: number }[] = []
  const watched = new Set(workers)
  const beat = (): void => {
    for (const worker of turning) heartbeats.beat(worker)
    runtime.schedule(BEAT_MS, beat)
  }
  beat()
  const hangs = (worker: number) => void hung.push({ worker, atMs: runtime.now() })
  t.teardown(watchHungWorkers({ heartbeats, workers: () => [...watched], runtime, hangs }))
  return { runtime, turning, watched, hung, heartbeats }
}

t.test('workers whose loops turn are left alone', async t => {
  const { runtime, hung } = setUp(t, [0, 1])
  await runtime.advance(10 * HUNG_MS)
  t.same(hung, [])
})

t.test('one whose loop stops is found after a minute, and no other', async t => {
  const { runtime, turning, hung } = setUp(t, [0, 1])
  turning.delete(1)
  await runtime.advance(HUNG_MS)
  t.same(hung, [], 'not before')
  await runtime.advance(2 * 5_000)
  t.match(hung, [{ worker: 1 }])
  t.equal(hung.length, 1, 'and is told of once, for another minute')
})

t.test('one whose loop turns now and then is slow, and stays', async t => {
  const { runtime, turning, hung, heartbeats } = setUp(t, [0])
  turning.clear()
  for (let minute = 0; minute < 5; minute++) {
    await runtime.advance(HUNG_MS - 5_000)
    heartbeats.beat(0)
  }
  t.same(hung, [])
})

t.test('several are told of one after the other: they may wait for the first', async t => {
  const { runtime, turning, hung } = setUp(t, [0, 1, 2])
  turning.delete(2)
  await runtime.advance(10_000)
  turning.delete(0)
  await runtime.advance(HUNG_MS + 20_000)
  t.same(
    hung.map(({ worker }) => worker),
    [2, 0]
  )
  t.not(hung[0]?.atMs, hung[1]?.atMs)
})

t.test('one that is replaced has a minute of its own', async t => {
  const { runtime, turning, watched, hung } = setUp(t, [0])
  turning.clear()
  await runtime.advance(HUNG_MS - 5_000)
  watched.clear()
  await runtime.advance(5_000)
  watched.add(0)
  await runtime.advance(HUNG_MS)
  t.same(hung, [])
})

import pino from 'pino'
import t from 'tap'
import type { ProbeResult } from '../../src/control/master-watch/probe.ts'
import { createSupervisor } from '../../src/control/supervisor.ts'
import type { Master, Snapshot } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const health = { path: '/status/v1/simple', intervalMs: 5_000, timeoutMs: 3_000, rise: 2, fall: 3 }
const good: ProbeResult = { healthy: true }
const bad: ProbeResult = { healthy: false, cause: 'ECONNREFUSED', isSlow: false }
const slow: ProbeResult = { healthy: false, cause: 'timed out', isSlow: true }

function setUp(pool: Master[]) {
  const runtime = fakeRuntime()
  const ca: Master = {
    name: 'ca',
    url: 'https://ca.example.com:8140',
    index: pool.length,
    weight: 1,
    priority: 0
  }
  const sick = new Set<string>()
  const busy = new Set<string>()
  const full = new Set<string>()
  const cold = new Set<string>()
  const returned: string[] = []
  const snapshots: Snapshot[] = []
  const supervisor = createSupervisor({
    masters: pool,
    ca,
    health,
    probe: async master => (sick.has(master.name) ? bad : busy.has(master.name) ? slow : good),
    isFull: master => full.has(master.name),
    isWarm: master => !cold.has(master.name),
    returned: master => returned.push(master.name),
    runtime,
    log: pino({ level: 'silent' }),
    publish: snapshot => snapshots.push(snapshot)
  })
  const serving = () => snapshots.at(-1)?.tiers.map(tier => tier.map(master => master.name).join(' ')) ?? []
  return { runtime, sick, busy, full, cold, returned, snapshots, supervisor, serving }
}

t.test('nothing is published before every master was probed once', async t => {
  const { supervisor, snapshots, serving, sick } = setUp(masters({ a: 1, b: 1 }))
  sick.add('b')
  const started = supervisor.start()
  t.equal(snapshots.length, 0)
  await started
  t.equal(snapshots.length, 1)
  t.same(serving(), ['a'])
})

t.test('a master that fails its probes leaves after `fall` of them and returns after `rise`', async t => {
  const { runtime, supervisor, sick, serving } = setUp(masters({ a: 1, b: 1 }))
  await supervisor.start()
  sick.add('a')
  await runtime.advance(2 * 5_500)
  t.same(serving(), ['a b'])
  await runtime.advance(5_500)
  t.same(serving(), ['b'])
  sick.clear()
  await runtime.advance(2 * 5_500)
  t.same(serving(), ['a b'])
})

t.test('the next tier stands behind the first, and alone when the first is gone', async t => {
  const { runtime, supervisor, sick, serving } = setUp(masters({ a: 1, b: { priority: 1 } }))
  await supervisor.start()
  t.same(serving(), ['a', 'b'])
  sick.add('a')
  await runtime.advance(3 * 5_500)
  t.same(serving(), ['b'])
})

t.test('a failed connect ejects at once, and the time out ends by itself', async t => {
  const { runtime, supervisor, serving, snapshots } = setUp(masters({ a: 1, b: 1 }))
  await supervisor.start()
  const [a] = snapshots[0]?.masters ?? []
  supervisor.report({ masterIndex: 0, result: 'connect-failed', cause: 'ECONNREFUSED' })
  t.same(serving(), ['b'])
  t.equal(supervisor.stateOf(a as Master), 'ejected')
  t.same(snapshots.at(-1)?.finishing, [a], 'until then it may finish what it can')
  await runtime.advance(1_200)
  t.same(serving(), ['a b'])
  t.same(snapshots.at(-1)?.finishing, [])
  t.equal(supervisor.stateOf(a as Master), 'up')
})

t.test('ejecting the last master leaves it in service while its probes are good', async t => {
  const { supervisor, serving } = setUp(masters({ a: 1, b: 1 }))
  await supervisor.start()
  supervisor.report({ masterIndex: 0, result: 'connect-failed', cause: 'ECONNREFUSED' })
  supervisor.report({ masterIndex: 1, result: 'connect-failed', cause: 'ECONNREFUSED' })
  t.same(serving(), ['a b'])
})

t.test('probes found up again end an ejection', async t => {
  const { runtime, supervisor, sick, serving } = setUp(masters({ a: 1, b: 1 }))
  await supervisor.start()
  sick.add('a')
  await runtime.advance(3 * 5_500)
  for (let count = 0; count < 6; count++) {
    supervisor.report({ masterIndex: 0, result: 'connect-failed', cause: 'ECONNREFUSED' })
    await runtime.advance(40_000)
  }
  sick.clear()
  supervisor.report({ masterIndex: 0, result: 'connect-failed', cause: 'ECONNREFUSED' })
  await runtime.advance(2 * 5_500)
  t.same(serving(), ['a b'])
})

t.test('a full master that answers its probes too late is slow, not dead', async t => {
  const { runtime, supervisor, busy, full, serving } = setUp(masters({ a: 1, b: 1, c: 1 }))
  await supervisor.start()
  busy.add('a')
  full.add('a')
  await runtime.advance(10 * 5_500)
  t.same(serving(), ['a b c'])
  full.clear()
  await runtime.advance(4 * 5_500)
  t.same(serving(), ['b c'], 'with room to spare it has no excuse')
})

t.test('even a full master is down when it stays silent for long', async t => {
  const { runtime, supervisor, busy, full, serving } = setUp(masters({ a: 1, b: 1, c: 1 }))
  await supervisor.start()
  busy.add('a')
  full.add('a')
  await runtime.advance(16 * 5_500)
  t.same(serving(), ['b c'])
})

t.test('when all are slow at once it is a herd: half of them stay', async t => {
  const { runtime, supervisor, busy, serving } = setUp(masters({ a: 1, b: 1, c: 1, d: 1 }))
  await supervisor.start()
  for (const name of ['a', 'b', 'c', 'd']) busy.add(name)
  await runtime.advance(6 * 5_500)
  t.equal(serving()[0]?.split(' ').length, 2)
  await runtime.advance(40 * 5_500)
  t.equal(serving()[0]?.split(' ').length, 2, 'however long it goes on')
})

t.test(
  'a balancer that starts into a herd gives work to those that are slow, until some are not',
  async t => {
    const { runtime, supervisor, busy, sick, serving } = setUp(masters({ a: 1, b: 1, c: 1 }))
    for (const name of ['a', 'b']) busy.add(name)
    sick.add('c')
    await supervisor.start()
    t.same(serving(), ['a b'])
    busy.delete('b')
    sick.add('b')
    await runtime.advance(5_500)
    t.same(serving(), ['a'], 'one that refuses is not slow any more')
    busy.clear()
    await runtime.advance(5_500)
    t.same(serving(), ['a'], 'a good probe does not take the last one out')
    sick.clear()
    await runtime.advance(2 * 5_500)
    t.same(serving(), ['a b c'])
  }
)

t.test(
  'a master that stays silent for long is down when another one answers, whoever else is down',
  async t => {
    const { runtime, supervisor, busy, sick, serving } = setUp(masters({ a: 1, b: 1, c: 1 }))
    await supervisor.start()
    sick.add('b')
    await runtime.advance(4 * 5_500)
    busy.add('a')
    await runtime.advance(8 * 5_500)
    t.same(serving(), ['a c'], 'half of them stay for a while')
    await runtime.advance(8 * 5_500)
    t.same(serving(), ['c'])
  }
)

t.test('a master that refuses is down however many others are', async t => {
  const { runtime, supervisor, sick, serving } = setUp(masters({ a: 1, b: 1 }))
  await supervisor.start()
  sick.add('a')
  sick.add('b')
  await runtime.advance(4 * 5_500)
  t.same(serving(), [])
})

t.test('a master takes work only once it has a JRuby', async t => {
  const { supervisor, cold, serving, snapshots } = setUp(masters({ a: 1, b: 1 }))
  cold.add('b')
  await supervisor.start()
  t.same(serving(), ['a'])
  t.equal(supervisor.stateOf(snapshots[0]?.masters[1] as Master), 'warming')
  cold.clear()
  supervisor.refresh()
  t.same(serving(), ['a b'])
})

t.test('who was down or had no JRuby is announced when it returns, and nobody else', async t => {
  const { runtime, supervisor, sick, cold, returned } = setUp(masters({ a: 1, b: 1, c: 1 }))
  cold.add('b')
  await supervisor.start()
  t.same(returned, [], 'the balancer’s own start is no return')
  cold.clear()
  supervisor.refresh()
  t.same(returned, ['b'])
  sick.add('a')
  await runtime.advance(4 * 5_500)
  sick.clear()
  supervisor.report({ masterIndex: 2, result: 'connect-failed', cause: 'ECONNREFUSED' })
  await runtime.advance(3 * 5_500)
  t.same(returned, ['b', 'a'])
})

t.test('a CA that cannot be connected to is never ejected: there is no other', async t => {
  const { supervisor, snapshots } = setUp(masters({ a: 1 }))
  await supervisor.start()
  supervisor.report({ masterIndex: 1, result: 'connect-failed', cause: 'ECONNREFUSED' })
  t.equal(supervisor.stateOf(snapshots[0]?.ca as Master), 'up')
})

t.test('probes of several masters do not march in step', async t => {
  const runtime = fakeRuntime()
  const at = new Map<string, number[]>()
  const pool = masters({ a: 1, b: 1 })
  const supervisor = createSupervisor({
    masters: pool,
    ca: { name: 'ca', url: 'https://ca:8140', index: 2, weight: 1, priority: 0 },
    health,
    probe: async master => {
      at.set(master.name, [...(at.get(master.name) ?? []), runtime.now()])
      return good
    },
    isFull: () => false,
    isWarm: () => true,
    returned: () => {},
    runtime,
    log: pino({ level: 'silent' }),
    publish: () => {}
  })
  await supervisor.start()
  await runtime.advance(60_000)
  const [a = [], b = []] = [at.get('a'), at.get('b')]
  t.not(a[5], b[5])
  for (const times of [a, b]) {
    for (let count = 1; count < times.length; count++) {
      const gap = (times[count] as number) - (times[count - 1] as number)
      t.ok(gap >= 4_500 && gap <= 5_500, `probed again after ${gap} ms`)
    }
  }
})

import t from 'tap'
import { watchedPool as setUp } from './watched-pool.ts'

t.test('nothing is published before every master was probed once', async t => {
  const { start, sick, snapshots, serving } = setUp({ a: 1, b: 1 })
  sick.add('b')
  const started = start()
  t.equal(snapshots.length, 0)
  await started
  t.equal(snapshots.length, 1)
  t.same(serving(), ['a'])
})

t.test('a master that fails its probes leaves after `fall` of them and returns after `rise`', async t => {
  const { runtime, start, sick, serving } = setUp({ a: 1, b: 1 })
  await start()
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
  const { runtime, start, sick, serving } = setUp({ a: 1, b: { priority: 1 } })
  await start()
  t.same(serving(), ['a', 'b'])
  sick.add('a')
  await runtime.advance(3 * 5_500)
  t.same(serving(), ['b'])
})

t.test('a failed connect ejects at once, and the time out ends by itself', async t => {
  const { runtime, start, eject, serving, doubted, stateOf } = setUp({ a: 1, b: 1 })
  await start()
  eject('a')
  t.same(serving(), ['b'])
  t.equal(stateOf('a'), 'ejected')
  t.equal(doubted(), 'a', 'until then it may finish what it can')
  await runtime.advance(1_200)
  t.same(serving(), ['a b'])
  t.equal(doubted(), '')
  t.equal(stateOf('a'), 'up')
})

t.test('ejecting the last master leaves it in service while its probes are good', async t => {
  const { start, eject, serving } = setUp({ a: 1, b: 1 })
  await start()
  eject('a')
  eject('b')
  t.same(serving(), ['a b'])
})

t.test('probes found up again end an ejection', async t => {
  const { runtime, start, eject, sick, serving } = setUp({ a: 1, b: 1 })
  await start()
  sick.add('a')
  await runtime.advance(3 * 5_500)
  for (let count = 0; count < 6; count++) {
    eject('a')
    await runtime.advance(40_000)
  }
  sick.clear()
  eject('a')
  await runtime.advance(2 * 5_500)
  t.same(serving(), ['a b'])
})

t.test('a full master that answers its probes too late is slow, not dead', async t => {
  const { runtime, start, busy, full, serving } = setUp({ a: 1, b: 1, c: 1 })
  await start()
  busy.add('a')
  full.add('a')
  await runtime.advance(10 * 5_500)
  t.same(serving(), ['a b c'])
  full.clear()
  await runtime.advance(4 * 5_500)
  t.same(serving(), ['b c'], 'with room to spare it has no excuse')
})

t.test('even a full master is down when it stays silent for long', async t => {
  const { runtime, start, busy, full, serving } = setUp({ a: 1, b: 1, c: 1 })
  await start()
  busy.add('a')
  full.add('a')
  await runtime.advance(16 * 5_500)
  t.same(serving(), ['b c'])
})

t.test('what waits at a master that is down for being slow moves on, unless nobody is better', async t => {
  const { runtime, start, busy, sick, serving, silent } = setUp({ a: 1, b: 1 })
  await start()
  busy.add('a')
  await runtime.advance(4 * 5_500)
  t.equal(silent(), 'a')
  sick.add('b')
  await runtime.advance(4 * 5_500)
  t.same(serving(), ['a'], 'it is all there is')
  t.equal(silent(), '')
})

t.test('when all are slow at once it is a herd: half of them stay', async t => {
  const { runtime, start, busy, serving } = setUp({ a: 1, b: 1, c: 1, d: 1 })
  await start()
  for (const name of ['a', 'b', 'c', 'd']) busy.add(name)
  await runtime.advance(6 * 5_500)
  t.equal(serving()[0]?.split(' ').length, 2)
  await runtime.advance(40 * 5_500)
  t.equal(serving()[0]?.split(' ').length, 2, 'however long it goes on')
})

t.test(
  'a balancer that starts into a herd gives work to those that are slow, until some are not',
  async t => {
    const { runtime, start, sick, busy, serving } = setUp({ a: 1, b: 1, c: 1 })
    for (const name of ['a', 'b']) busy.add(name)
    sick.add('c')
    await start()
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
    const { runtime, start, sick, busy, serving } = setUp({ a: 1, b: 1, c: 1 })
    await start()
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
  const { runtime, start, sick, serving } = setUp({ a: 1, b: 1 })
  await start()
  sick.add('a')
  sick.add('b')
  await runtime.advance(4 * 5_500)
  t.same(serving(), [])
})

t.test('a master takes work only once it has a JRuby', async t => {
  const { supervisor, start, cold, serving, stateOf } = setUp({ a: 1, b: 1 })
  cold.add('b')
  await start()
  t.same(serving(), ['a'])
  t.equal(stateOf('b'), 'warming')
  cold.clear()
  supervisor.refresh()
  t.same(serving(), ['a b'])
})

t.test('who was down or had no JRuby is announced when it returns, and nobody else', async t => {
  const { runtime, supervisor, start, eject, sick, cold, returned } = setUp({ a: 1, b: 1, c: 1 })
  cold.add('b')
  await start()
  t.same(returned, [], 'the balancer’s own start is no return')
  cold.clear()
  supervisor.refresh()
  t.same(returned, ['b'])
  sick.add('a')
  await runtime.advance(4 * 5_500)
  sick.clear()
  eject('c')
  await runtime.advance(3 * 5_500)
  t.same(returned, ['b', 'a'])
})

t.test('a CA that cannot be connected to is never ejected: there is no other', async t => {
  const { start, eject, stateOf } = setUp({ a: 1 })
  await start()
  eject('ca')
  t.equal(stateOf('ca'), 'up')
})

t.test('probes of several masters do not march in step', async t => {
  const { runtime, start, probedAt } = setUp({ a: 1, b: 1 })
  await start()
  await runtime.advance(60_000)
  const [a = [], b = []] = [probedAt.get('a'), probedAt.get('b')]
  t.not(a[5], b[5])
  for (const times of [a, b]) {
    for (let count = 1; count < times.length; count++) {
      const gap = (times[count] as number) - (times[count - 1] as number)
      t.ok(gap >= 4_500 && gap <= 5_500, `probed again after ${gap} ms`)
    }
  }
})

import t from 'tap'
import type { Master } from '../../src/model/master.ts'
import { watchedPool } from './watched-pool.ts'

const ROUND_MS = 5_500

t.test(
  'several join at once: each was probed before it is a member, and only who is up gets work',
  async t => {
    const { sick, cold, become, start, serving, stateOf, snapshots } = watchedPool({ a: 1 })
    await start()
    sick.add('c')
    cold.add('d')
    const published = snapshots.length
    await become({ a: 1, b: 1, c: 1, d: 1 })
    t.same(serving(), ['a b'])
    t.same(['b', 'c', 'd'].map(stateOf), ['up', 'down', 'warming'])
    for (const { masters } of snapshots.slice(published)) {
      for (const { name } of masters) t.not(stateOf(name), 'unknown')
    }
  }
)

t.test('one that is probed and no member yet gets no work', async t => {
  const { roster, supervisor, start, serving } = watchedPool({ a: 1 })
  await start()
  const { joining } = roster.propose({
    masters: [{ name: 'b', url: 'https://b:8140', weight: 1, priority: 0, source: 'file', addresses: [] }],
    ca: roster.current().ca
  })
  await supervisor.watch(joining)
  supervisor.refresh()
  t.same(serving(), ['a'])
})

t.test('those that leave take no new runs and finish what they have, while they are up', async t => {
  const { runtime, sick, become, start, serving, finishing, snapshots } = watchedPool({ a: 1, b: 1, c: 1 })
  await start()
  await become({ a: 1 })
  t.same(serving(), ['a'])
  t.equal(finishing(), 'b c')
  t.equal(snapshots.at(-1)?.masters.length, 3, 'they keep their seats')
  sick.add('b')
  await runtime.advance(3 * ROUND_MS)
  t.equal(finishing(), 'c', 'they are watched as before')
})

t.test('those that leave do not serve even when nobody else can', async t => {
  const { runtime, sick, eject, become, start, serving } = watchedPool({ a: 1, b: 1 })
  await start()
  await become({ a: 1 })
  sick.add('a')
  await runtime.advance(3 * ROUND_MS)
  t.same(serving(), [])
  eject('b')
  t.same(serving(), [])
})

t.test(
  'weight 0 takes no new runs and ends those that are under way, and a weight brings it back',
  async t => {
    const { become, start, serving, finishing, returned } = watchedPool({ a: 1, b: 1 })
    await start()
    await become({ a: 1, b: 0 })
    t.same(serving(), ['a'])
    t.equal(finishing(), 'b')
    await become({ a: 1, b: 3 })
    t.same(serving(), ['a b'])
    t.equal(finishing(), '')
    t.same(returned, [], 'it was up all the time: it has nothing to warm up')
  }
)

t.test('one that is named again is the one that was watched all along', async t => {
  const { become, start, serving, probedAt } = watchedPool({ a: 1, b: 1 })
  await start()
  await become({ a: 1 })
  await become({ a: 1, b: 1 })
  t.same(serving(), ['a b'])
  t.equal(probedAt.get('b')?.length, 1, 'and was not asked anew')
})

t.test('a weight, a priority and their snapshot change together', async t => {
  const { become, start, serving, snapshots } = watchedPool({ a: 1, b: 1 })
  await start()
  await become({ a: { weight: 4, priority: 1 }, b: 1 })
  t.same(serving(), ['b', 'a'])
  const { masters = [], tiers = [] } = snapshots.at(-1) ?? {}
  t.equal(tiers[1]?.[0], masters[0], 'the tiers hold the members themselves')
  t.match(masters[0], { weight: 4, priority: 1 })
})

t.test(
  'a member that returns after it was down is told of, however the membership changed meanwhile',
  async t => {
    const { runtime, sick, become, start, returned } = watchedPool({ a: 1, b: 1 })
    await start()
    sick.add('b')
    await runtime.advance(3 * ROUND_MS)
    await become({ b: 1, c: 1 })
    t.same(returned, [], 'one that joins does not return')
    sick.clear()
    await runtime.advance(2 * ROUND_MS)
    t.same(returned, ['b'])
  }
)

t.test('one that joined while it was down is told of when it comes up', async t => {
  const { runtime, sick, become, start, returned, serving } = watchedPool({ a: 1 })
  await start()
  sick.add('b')
  await become({ a: 1, b: 1 })
  sick.clear()
  await runtime.advance(2 * ROUND_MS)
  t.same(serving(), ['a b'])
  t.same(returned, ['b'])
})

t.test(
  'masters that are leaving are no herd: they keep no slow one in service, nor take one out',
  async t => {
    const { runtime, busy, become, start, serving } = watchedPool({ a: 1, b: 1, c: 1, d: 1 })
    await start()
    await become({ a: 1, b: 1 })
    busy.add('a')
    await runtime.advance(4 * ROUND_MS)
    t.same(serving(), ['b'], 'one of two that are active is enough: the other two do not count')
    busy.add('b')
    await runtime.advance(40 * ROUND_MS)
    t.same(serving(), ['b'], 'nor do they for the last one, quick as they are')
  }
)

t.test('of five that are slow at once the herd is reckoned anew when three join', async t => {
  const { runtime, busy, become, start, serving } = watchedPool({ a: 1, b: 1, c: 1, d: 1, e: 1 })
  await start()
  for (const name of ['a', 'b', 'c', 'd', 'e']) busy.add(name)
  await runtime.advance(4 * ROUND_MS)
  t.equal(serving()[0]?.split(' ').length, 3)
  await become({ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1 })
  await runtime.advance(4 * ROUND_MS)
  t.equal(serving()[0]?.split(' ').length, 4, 'with three that are quick, one more of the slow ones goes')
})

t.test('an ejected one keeps its pinned runs if it is warm, whether it is active or leaves', async t => {
  const { cold, eject, become, start, serving, doubted, finishing } = watchedPool({ a: 1, b: 1, c: 1 })
  await start()
  await become({ a: 1, b: 1 })
  eject('b')
  eject('c')
  t.same(serving(), ['a'])
  t.equal(doubted(), 'b c')
  t.equal(finishing(), '')
  cold.add('c')
  await become({ a: 1, b: 1 })
  t.equal(doubted(), 'b')
})

t.test('the best that is left serves: up before ejected, ejected before slow', async t => {
  const { runtime, sick, busy, eject, start, serving } = watchedPool({ a: 1, b: { priority: 1 }, c: 1 })
  sick.add('c')
  await start()
  sick.delete('c')
  busy.add('c')
  await runtime.advance(ROUND_MS)
  t.same(serving(), ['a', 'b'], 'while some are up a slow one does not serve')
  eject('a')
  t.same(serving(), ['b'], 'an ejected one does not either, though it is of a better tier')
  sick.add('b')
  await runtime.advance(4 * ROUND_MS)
  t.same(serving(), ['a'])
  eject('a')
  t.same(serving(), ['a'], 'ejected, but it answers its probes')
  sick.add('a')
  await runtime.advance(4 * ROUND_MS)
  t.same(serving(), ['c'], 'too slow, but it takes connections')
})

t.test('a fallback never reaches for one with weight 0', async t => {
  const { eject, start, serving, doubted } = watchedPool({ a: 0 })
  await start()
  t.same(serving(), [])
  eject('a')
  t.same(serving(), [])
  t.equal(doubted(), 'a', 'its own runs may go on')
})

t.test('one that is dismissed is asked no more, and late word of it changes nothing', async t => {
  const { runtime, roster, supervisor, idOf, become, start, probedAt, snapshots } = watchedPool({
    a: 1,
    b: 1
  })
  await start()
  await become({ a: 1 })
  const id = idOf('b')
  roster.dismiss(id)
  supervisor.unwatch(id)
  supervisor.refresh()
  const [probes, published] = [probedAt.get('b')?.length, snapshots.length]
  await runtime.advance(10 * ROUND_MS)
  t.equal(probedAt.get('b')?.length, probes)
  supervisor.report({ masterId: id, result: 'connect-failed', cause: 'ECONNREFUSED' })
  t.equal(snapshots.length, published)
  t.equal(supervisor.stateOf(id), 'unknown')
})

t.test('late word of who sat on a seat before is not held against the one who sits there now', async t => {
  const { roster, supervisor, idOf, become, start, stateOf, serving } = watchedPool({ a: 1, b: 1 })
  await start()
  await become({ a: 1 })
  const old = roster.current().masters.find(({ name }) => name === 'b')
  const { id, seat } = old as Master
  roster.dismiss(id)
  supervisor.unwatch(id)
  roster.free(seat)
  await become({ a: 1, c: 1 })
  t.equal(roster.current().masters.find(({ name }) => name === 'c')?.seat, seat)
  supervisor.report({ masterId: id, result: 'connect-failed', cause: 'ECONNREFUSED' })
  t.equal(stateOf('c'), 'up')
  t.not(idOf('c'), id)
  t.same(serving(), ['a c'])
})

t.test('a new CA is not ejected either, and has no excuse for being slow', async t => {
  const { runtime, busy, eject, become, start, stateOf, snapshots } = watchedPool({ a: 1 })
  await start()
  await become({ a: 1 }, 'https://new-ca:8140')
  t.equal(snapshots.at(-1)?.ca.url, 'https://new-ca:8140')
  eject('ca')
  t.equal(stateOf('ca'), 'up')
  busy.add('ca')
  await runtime.advance(3 * ROUND_MS)
  t.equal(stateOf('ca'), 'down')
})

t.test('once stopped it publishes nothing and asks nobody', async t => {
  const { runtime, supervisor, sick, start, eject, probedAt, snapshots } = watchedPool({ a: 1, b: 1 })
  await start()
  supervisor.stop()
  sick.add('a')
  eject('b')
  supervisor.refresh()
  await runtime.advance(10 * ROUND_MS)
  t.equal(snapshots.length, 1)
  t.equal(probedAt.get('a')?.length, 1)
})

t.test('one that drains takes no new runs, ends those it has, and is probed as before', async t => {
  const { runtime, sick, eject, become, start, serving, finishing, doubted } = watchedPool({ a: 1, b: 1 })
  await start()
  await become({ a: 1, b: { mode: 'draining' } })
  t.same(serving(), ['a'])
  t.equal(finishing(), 'b')
  eject('b')
  t.equal(doubted(), 'b')
  eject('a')
  sick.add('a')
  await runtime.advance(4 * ROUND_MS)
  t.same(serving(), [], 'it does not serve even when nobody else can')
})

t.test('one in maintenance has nothing, whatever is known of it', async t => {
  const { cold, eject, become, start, serving, finishing, doubted, snapshots } = watchedPool({
    a: 1,
    b: 1,
    c: 1
  })
  await start()
  eject('c')
  cold.clear()
  await become({ a: 1, b: { mode: 'maint' }, c: { mode: 'maint' } })
  t.same([serving(), finishing(), doubted()], [['a'], '', ''])
  t.equal(snapshots.at(-1)?.masters.length, 3, 'it keeps its seat')
})

t.test('one that is watched anew counts by what was known of it until it was probed', async t => {
  const { supervisor, roster, sick, start, stateOf, serving, probedAt, runtime, returned } = watchedPool({
    a: 1,
    b: 1
  })
  await start()
  sick.add('b')
  const b = roster.current().masters.filter(({ name }) => name === 'b')
  const watched = supervisor.watch(b)
  t.equal(stateOf('b'), 'up')
  await watched
  t.equal(stateOf('b'), 'down', 'the first probe decides alone')
  supervisor.refresh()
  t.same(serving(), ['a'])
  sick.clear()
  await supervisor.watch(b)
  t.equal(stateOf('b'), 'up', 'the same the other way round')
  supervisor.refresh()
  t.same(returned, [], 'who asked for it says how it is to begin')
  const probes = probedAt.get('b')?.length ?? 0
  await runtime.advance(10 * ROUND_MS)
  t.ok((probedAt.get('b')?.length ?? 0) - probes <= 12, 'the watch before it has ended')
})

t.test('one that is watched anew when all ends is not asked any more', async t => {
  const { supervisor, roster, start, probedAt, runtime } = watchedPool({ a: 1 })
  await start()
  const watched = supervisor.watch(roster.current().masters)
  supervisor.stop()
  await watched
  const probes = probedAt.get('a')?.length
  await runtime.advance(10 * ROUND_MS)
  t.equal(probedAt.get('a')?.length, probes)
})

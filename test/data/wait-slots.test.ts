import t from 'tap'
import type { Master } from '../../src/model/master.ts'
import { maskOf } from '../../src/model/seat-mask.ts'
import { ANTICIPATION } from '../../src/shared/slots/anticipation.ts'
import { any, m0, m1, pool, setUp, tellsWhere } from './waiting-scene.ts'

const RESERVED_MS = ANTICIPATION.gaps * ANTICIPATION.firstGapMs

t.test('who waits for a slot that another thread left reserved is woken', async t => {
  const { ask, log, runtime, table } = await setUp({ workers: 2 })
  const elsewhere = table.join(1)
  const take = () => elsewhere.take({ rank: 0, dueMs: runtime.now(), mask: maskOf([0]) }, 0)
  const ticket = take()
  t.equal(take(), -1)
  ask('catalog')
  elsewhere.release(ticket, 5)
  t.not(take(), -1)
  await table.removeWorker(1)
  await runtime.advance(2 * RESERVED_MS)
  t.same(log, ['catalog'])
})

t.test('who waits for a better master gets this one when what failed there would have been done', async t => {
  const { ask, log, runtime, table } = await setUp({ masters: [m0, m1] })
  const good = ask('good', 'catalog', { eligible: any([m0]) })
  await runtime.advance(8_000)
  good.release(true)
  ask('elsewhere', 'catalog', { eligible: any([m1]) })
  ask('bad', 'catalog', { eligible: any([m0]) }).fail()
  ask('next', 'catalog', { eligible: any([m0, m1]) })
  await runtime.advance(7_999)
  t.same(log, ['good', 'elsewhere', 'bad'])
  await runtime.advance(1)
  t.same(log, ['good', 'elsewhere', 'bad', 'next'])
  t.equal(table.failed(m0.seat), 0)
})

t.test('a master that starts slowly is asked for more only when all others are full', async t => {
  const { ask, log, table } = await setUp({ masters: [m0, m1], capacity: 2 })
  await table.startSlowly(m0.seat)
  for (let count = 0; count < 5; count++)
    ask('', 'catalog', { eligible: any([m0, m1]), ...tellsWhere(log, `${count}`) })
  t.same(log, ['0 m0', '1 m1', '2 m1', '3 m0'])
})

t.test('a catalog gets the slot that was reserved for light requests once none has come', async t => {
  const { ask, log, runtime } = await setUp()
  const light = ask('light', 'light')
  ask('catalog')
  light.release(true)
  await runtime.advance(RESERVED_MS - 1)
  t.same(log, ['light'])
  await runtime.advance(1)
  t.same(log, ['light', 'catalog'])
})

t.test('a run keeps its slot from file to file while a catalog waits, and then lets it go', async t => {
  const { ask, log, runtime } = await setUp()
  let light = ask('file 1', 'light')
  ask('catalog')
  for (const name of ['file 2', 'file 3']) {
    light.release(true)
    await runtime.advance(RESERVED_MS - 1)
    light = ask(name, 'light')
    await runtime.advance(100)
  }
  light.release(true)
  await runtime.advance(RESERVED_MS)
  t.same(log, ['file 1', 'file 2', 'file 3', 'catalog'])
})

t.test('a catalog that comes while a slot is reserved is woken as well', async t => {
  const { ask, log, runtime } = await setUp()
  ask('light', 'light').release(true)
  await runtime.advance(10)
  ask('catalog')
  t.same(log, ['light'])
  await runtime.advance(RESERVED_MS)
  t.same(log, ['light', 'catalog'])
})

t.test('a slot whose agent left is kept until the master proves to be done, and then dropped', async t => {
  const { ask, log, runtime, table, room } = await setUp()
  const hold = ask('ghost')
  ask('next')
  const dropped: string[] = []
  hold.leave(() => {
    dropped.push('ghost')
    hold.release()
  })
  await runtime.advance(10)
  t.same([log, table.ghosts(0)], [['ghost'], 1])
  room.dropGhosts(m0.id, 0)
  t.same(dropped, [], 'not one that left after the master was asked')
  room.dropGhosts(m1.id, 10)
  t.same(dropped, [], 'nor one at another master')
  room.dropGhosts(m0.id, 10)
  room.dropGhosts(m0.id, 10)
  await runtime.advance(1)
  t.same([dropped, log, table.ghosts(0)], [['ghost'], ['ghost', 'next'], 0])
})

t.test(
  'a run gets its own master first, and another where it may have one and its own has no room',
  async t => {
    const { ask, log, runtime } = await setUp({ masters: pool })
    const eligible = any([m0], m1)
    const first = ask('1', 'light', { eligible, ...tellsWhere(log, '1') })
    ask('2', 'light', { eligible, ...tellsWhere(log, '2') })
    ask('3', 'light', { eligible, ...tellsWhere(log, '3') })
    t.same(log, ['1 m1', '2 m0'])
    first.release()
    await runtime.advance(1)
    t.same(log, ['1 m1', '2 m0', '3 m1'], 'and when all are full, whichever is free first')
  }
)

t.test('a run that may have nobody but its master waits for it while others are free', async t => {
  const { ask, log, runtime } = await setUp({ masters: pool })
  const eligible = any([], m1)
  const first = ask('1', 'light', { eligible, ...tellsWhere(log, '1') })
  ask('2', 'light', { eligible, ...tellsWhere(log, '2') })
  t.same(log, ['1 m1'])
  first.release()
  await runtime.advance(1)
  t.same(log, ['1 m1', '2 m1'])
})

t.test(
  'among those with room the policy chooses, and a newcomer does not go before those who wait',
  async t => {
    const { ask, log, table, runtime } = await setUp({ masters: pool, workers: 2 })
    const last = (candidates: readonly Master[]) => candidates.at(-1)
    ask('a', 'catalog', { eligible: any(pool), pick: last, ...tellsWhere(log, 'a') })
    ask('b', 'catalog', { eligible: any(pool), pick: last, ...tellsWhere(log, 'b') })
    t.same(log, ['a m1', 'b m0'])
    ask('waits', 'report')
    const elsewhere = table.join(1)
    t.equal(elsewhere.take({ rank: 1, dueMs: 99_999, mask: maskOf([0]) }, 0), -1)
    await runtime.advance(1)
    t.equal(log.length, 2)
  }
)

t.test('a light request of a run tells once how long it was in coming, before it takes its slot', async t => {
  const calls: string[] = []
  const { ask } = await setUp({
    masters: pool,
    userOf: user => ({
      ...user,
      learnGap: (_claim, seat) => calls.push(`gap at ${seat}`),
      take(claim, seat) {
        calls.push(`take ${seat}`)
        return user.take(claim, seat)
      }
    })
  })
  ask('of a run', 'light', { eligible: any([m0], m1) })
  t.same(calls, ['gap at 1', 'take 1'])
  calls.length = 0
  ask('of no run', 'light')
  ask('a catalog of a run', 'catalog', { eligible: any([], m1) })
  t.same(
    calls.filter(call => call.startsWith('gap')),
    []
  )
})

t.test('only what was served well teaches how long requests take', async t => {
  const { ask, runtime, table } = await setUp()
  const failed = ask('failed')
  await runtime.advance(50_000)
  failed.release()
  const served = ask('served')
  await runtime.advance(8_000)
  served.release(true)
  served.release(true)
  ask('running')
  ask('waits')
  t.equal(table.forecastMs(), 8_000)
})

t.test('the time a request was served begins when it has its slot, not when it asked', async t => {
  const { ask, runtime, table } = await setUp()
  const running = ask('running')
  const next = ask('next')
  await runtime.advance(60_000)
  running.release()
  await runtime.advance(1_000)
  next.release(true)
  ask('running')
  ask('waits')
  t.equal(table.forecastMs(), 1_000)
})

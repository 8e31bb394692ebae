import t from 'tap'
import type { Master } from '../../src/model/master.ts'
import { any, m0, m1, pool, setUp, tellsWhere } from './waiting-scene.ts'

t.test('with a new snapshot those for whom no master is left are sent away, and nobody else', async t => {
  const { ask, log, room, table } = await setUp({ masters: pool })
  ask('running on m0')
  ask('running on m1', 'catalog', { eligible: any([m1]) })
  let serving: readonly Master[] = pool
  const but =
    (...tried: Master[]) =>
    () => {
      const left = serving.filter(master => !tried.includes(master))
      return left.length > 0 ? any(left) : undefined
    }
  ask('any', 'catalog', { eligible: any(pool), eligibleAnew: but() })
  ask('not m0', 'catalog', { eligible: any([m1]), eligibleAnew: but(m0) })
  room.reconsider()
  t.equal(log.length, 2)
  serving = [m0]
  room.reconsider()
  t.same(log.slice(2), ['not m0 no-master'])
  serving = []
  room.reconsider()
  t.same(log.slice(3), ['any no-master'])
  t.equal(table.depth(), 0)
})

t.test('with a new snapshot those who wait may have masters that they could not have before', async t => {
  const { ask, log, room, runtime } = await setUp({ masters: pool })
  ask('running')
  ask('waits', 'catalog', { eligibleAnew: () => any(pool), ...tellsWhere(log, 'waits') })
  await runtime.advance(1)
  t.same(log, ['running'], 'the other one is free, but not for this one')
  room.reconsider()
  await runtime.advance(1)
  t.same(log, ['running', 'waits m1'])
})

t.test('with a new snapshot those who wait lose what they may not have any more', async t => {
  const { ask, log, room, runtime } = await setUp({ masters: pool })
  const running = ask('running on m0')
  const other = ask('running on m1', 'catalog', { eligible: any([m1]) })
  const eligible = any(pool)
  ask('waits', 'catalog', { eligible, eligibleAnew: () => any([m1]), ...tellsWhere(log, 'waits') })
  room.reconsider()
  running.release()
  await runtime.advance(1)
  t.equal(log.length, 2)
  other.release()
  await runtime.advance(1)
  t.same(log.slice(2), ['waits m1'])
})

t.test('a new snapshot that changes nothing for those who wait costs nothing', async t => {
  let remasked = 0
  const { ask, room } = await setUp({
    userOf: user => ({
      ...user,
      remask(ticket, mask) {
        remasked++
        user.remask(ticket, mask)
      }
    })
  })
  ask('running')
  let eligible = any([m0])
  ask('waits', 'catalog', { eligibleAnew: () => eligible })
  for (let count = 0; count < 3; count++) room.reconsider()
  t.equal(remasked, 0)
  eligible = any(pool)
  for (let count = 0; count < 3; count++) room.reconsider()
  t.equal(remasked, 1)
})

t.test('one that just got a slot keeps it, whatever the new snapshot says', async t => {
  const { ask, log, room, runtime, table } = await setUp()
  const running = ask('running')
  ask('next', 'catalog', { eligibleAnew: () => undefined })
  running.release()
  room.reconsider()
  t.same(log, ['running'], 'it has not been told yet')
  await runtime.advance(1)
  t.same(log, ['running', 'next'])
  t.equal(table.taken(0), 1)
})

const broken = {
  settle() {
    throw new Error('defect')
  }
}

t.test('a defect of one that gets a slot does not keep that slot from the next', async t => {
  const { ask, log, runtime, table, defects } = await setUp()
  const running = ask('running')
  const hold = ask('broken', 'catalog', broken)
  ask('next')
  running.release()
  await runtime.advance(1)
  t.same(log, ['running', 'next'])
  t.match(defects, [{ message: 'defect' }])
  hold.release()
  t.equal(table.taken(0), 1, 'and is given back once')
  ask('newcomer', 'catalog', broken)
  t.equal(table.depth(), 1)
})

t.test('a defect of one that gets a slot without waiting does not keep it either', async t => {
  const { ask, log, defects } = await setUp()
  ask('broken', 'catalog', broken)
  ask('next')
  t.same([log, defects.length], [['next'], 1])
})

t.test('a defect of one does not stop the others that get a slot in the same moment', async t => {
  const { ask, log, runtime, defects } = await setUp({ capacity: 2 })
  const running = [ask('1'), ask('2')]
  ask('broken', 'catalog', broken)
  ask('next')
  for (const hold of running) hold.release()
  await runtime.advance(1)
  t.same(log, ['1', '2', 'next'])
  t.equal(defects.length, 1)
})

t.test('a defect of one that is sent away does not keep others waiting for nobody, or for ever', async t => {
  const { ask, log, runtime, room, table, defects } = await setUp({ timeoutMs: 1_000 })
  ask('running')
  for (const name of ['a', 'b'])
    ask(name, 'catalog', { eligibleAnew: () => undefined, ...(name === 'a' && broken) })
  room.reconsider()
  t.same(log, ['running', 'b no-master'])
  for (const name of ['c', 'd']) ask(name, 'catalog', name === 'c' ? broken : {})
  await runtime.advance(1_000)
  t.same(log, ['running', 'b no-master', 'd queue-timeout'])
  t.equal(defects.length, 2)
  t.equal(table.depth(), 0)
  t.equal(table.taken(0), 1)
})

const breaks = () => {
  throw new Error('broken')
}

t.test(
  'a defect in what a wait goes by fails that one, whether it shows at its begin or its end',
  async t => {
    const { ask, limits, log, runtime, table } = await setUp({ timeoutMs: 1_000 })
    const running = ask('running')
    t.throws(() => ask('a', 'catalog', { limits: breaks }), /broken/)
    t.throws(
      () => ask('b', 'catalog', { eligible: any([]), limits: limits({ awayUntilMs: breaks }) }),
      /broken/
    )
    t.equal(table.depth(), 0, 'whoever asked is told of it, and waits no more')
    ask('c', 'catalog', { limits: limits({ mayWaitOn: breaks }) })
    ask('next', 'catalog', { limits: limits({ untilMs: 5_000 }) })
    await runtime.advance(1_000)
    t.same(log, ['running', 'c failed: broken'])
    running.release()
    await runtime.advance(1)
    t.same(log.slice(2), ['next'])
    t.same([table.depth(), table.taken(0)], [0, 1])
  }
)

t.test(
  'a defect in looking up who gave a slot fails that one, and the others are told of theirs',
  async t => {
    let isBroken = false
    const { ask, log, runtime, table } = await setUp({
      capacity: 2,
      userOf: user => ({
        ...user,
        seatOf(ticket) {
          if (!isBroken) return user.seatOf(ticket)
          isBroken = false
          return breaks()
        }
      })
    })
    const running = [ask('1'), ask('2')]
    for (const name of ['a', 'b', 'c']) ask(name)
    isBroken = true
    for (const hold of running) hold.release()
    await runtime.advance(1)
    t.same(log, ['1', '2', 'a failed: broken', 'b', 'c'])
    t.same([table.depth(), table.taken(0)], [0, 2])
  }
)

t.test('a slot that is given back twice is not taken from whoever has it by then', async t => {
  const { ask, log, runtime, table } = await setUp()
  const first = ask('first')
  first.release()
  ask('second')
  first.release()
  first.leave(() => t.fail('it is not its own any more'))
  t.equal(table.taken(0), 1)
  t.equal(table.ghosts(0), 0)
  ask('third')
  await runtime.advance(1)
  t.same(log, ['first', 'second'])
})

import t from 'tap'
import { nobodyYet } from '../../src/data/http/slot-request.ts'
import { any, m0, m1, pool, setUp } from './waiting-scene.ts'

t.test('with room there is no waiting at all', async t => {
  const { ask, log } = await setUp()
  ask('a')
  t.same(log, ['a'])
})

t.test('light goes before report before catalog, each in its order of coming', async t => {
  const { ask, log, runtime } = await setUp()
  let hold = ask('running')
  const holds = new Map<string, ReturnType<typeof ask>>()
  for (const [name, rank] of [
    ['catalog 1', 'catalog'],
    ['report 1', 'report'],
    ['catalog 2', 'catalog'],
    ['light 1', 'light'],
    ['light 2', 'light']
  ] as const) {
    holds.set(name, ask(name, rank))
    await runtime.advance(1)
  }
  for (let count = 0; count < 5; count++) {
    hold.release()
    await runtime.advance(1)
    hold = holds.get(log.at(-1) as string) as typeof hold
  }
  t.same(log, ['running', 'light 1', 'light 2', 'report 1', 'catalog 1', 'catalog 2'])
})

for (const { rank, age, ageMs } of [
  { rank: 'report', age: 'ten seconds', ageMs: 10_000 },
  { rank: 'catalog', age: 'four minutes', ageMs: 240_000 }
] as const) {
  t.test(
    `a ${rank} that waited ${age} goes before a light request that just came, and not earlier`,
    async t => {
      for (const [waitedMs, first] of [
        [ageMs - 1, 'light'],
        [ageMs + 1, 'aged']
      ] as const) {
        const { ask, log, runtime } = await setUp()
        const hold = ask('running')
        ask('aged', rank)
        await runtime.advance(waitedMs)
        ask('light', 'light')
        hold.release()
        await runtime.advance(1)
        t.same(log, ['running', first])
      }
    }
  )
}

t.test('one that waits too long is told so, and takes no slot later', async t => {
  const { ask, log, runtime, table } = await setUp({ timeoutMs: 30_000 })
  const hold = ask('running')
  ask('late')
  await runtime.advance(30_000)
  t.same(log, ['running', 'late queue-timeout'])
  hold.release()
  await runtime.advance(1)
  t.equal(table.taken(0), 0)
})

t.test('one that would not be sent again waits on, and still not for ever', async t => {
  const { ask, log, runtime, table, limits } = await setUp({ timeoutMs: 30_000 })
  const hold = ask('running')
  const patient = { limits: limits({ mayWaitOn: () => true, latestMs: 540_000 }) }
  for (const name of ['served', 'late', 'last']) ask(name, 'catalog', patient)
  await runtime.advance(539_999)
  t.same(log, ['running'])
  hold.release()
  await runtime.advance(0)
  t.same(log, ['running', 'served'])
  await runtime.advance(1)
  t.same(log, ['running', 'served', 'late queue-timeout', 'last queue-timeout'])
  t.equal(table.depth(), 0)
})

t.test('one whose agent is sooner impatient than the queue allows waits no longer than that', async t => {
  const { ask, log, runtime, limits } = await setUp({ timeoutMs: 300_000 })
  ask('running')
  ask('patient', 'catalog', { limits: limits({ mayWaitOn: () => true, latestMs: 108_000 }) })
  ask('comes back', 'catalog', { limits: limits({ latestMs: 108_000 }) })
  await runtime.advance(107_999)
  t.same(log, ['running'])
  await runtime.advance(1)
  t.same(log, ['running', 'patient queue-timeout'])
  await runtime.advance(192_000)
  t.same(log, ['running', 'patient queue-timeout', 'comes back queue-timeout'])
})

t.test('while no master may have it, one waits until another time, which is asked for then', async t => {
  const { ask, log, runtime, room, limits, table } = await setUp()
  let asked = 0
  const away = limits({
    awayUntilMs: () => {
      asked++
      return 90_000
    }
  })
  let eligible = any([m0])
  ask('running')
  for (const name of ['waits', 'leaves']) ask(name, 'catalog', { limits: away, eligibleAnew: () => eligible })
  const alone = ask('alone', 'catalog', { limits: away, eligible: nobodyYet, eligibleAnew: () => eligible })
  t.equal(asked, 1, 'for the one that nobody may have')
  await runtime.advance(50_000)
  eligible = nobodyYet
  room.reconsider()
  t.equal(asked, 3)
  alone.release()
  await runtime.advance(39_999)
  t.same(log, ['running'])
  eligible = any([m0])
  room.reconsider()
  await runtime.advance(1)
  t.same(log, ['running'], 'it counts only as long as nobody may have it')
  eligible = nobodyYet
  room.reconsider()
  await runtime.advance(0)
  t.same(log, ['running', 'waits no-master', 'leaves no-master'])
  t.equal(table.depth(), 0)
})

t.test('one that may have others by its own doing is looked at by itself', async t => {
  const { ask, log, runtime } = await setUp({ masters: pool })
  ask('running')
  let eligible = nobodyYet
  const waits = ask('waits', 'catalog', { eligible: nobodyYet, eligibleAnew: () => eligible })
  const other = ask('other', 'catalog', { eligible: nobodyYet, eligibleAnew: () => any(pool) })
  eligible = any([m1])
  waits.reconsider()
  await runtime.advance(0)
  t.same(log, ['running', 'waits'])
  waits.reconsider()
  other.release()
  other.reconsider()
  await runtime.advance(0)
  t.same(log, ['running', 'waits'], 'and not when it has left or has a slot')
})

t.test('when the waiting ends for all, each hears what it waited for, and nobody waits any more', async t => {
  const { ask, log, room, table, limits } = await setUp()
  ask('running')
  ask('waits')
  ask('alone', 'catalog', {
    limits: limits({ awayUntilMs: () => 90_000 }),
    eligible: nobodyYet,
    eligibleAnew: () => nobodyYet
  })
  room.close()
  ask('late')
  t.same(log, ['running', 'waits queue-timeout', 'alone no-master', 'late queue-timeout'])
  t.same([table.depth(), table.taken(0)], [0, 1])
})

t.test('the queue is bounded', async t => {
  const { ask, log } = await setUp({ limit: 2 })
  ask('running')
  for (const name of ['1', '2', '3']) ask(name)
  t.same(log, ['running', '3 queue-full'])
})

t.test('a tenth of the queue is for runs under way, not for catalogs', async t => {
  const { ask, log } = await setUp({ limit: 10 })
  ask('running')
  for (let count = 0; count < 9; count++) ask('catalog')
  ask('one too many')
  ask('file', 'light')
  ask('report', 'report')
  t.same(log, ['running', 'one too many queue-full', 'report queue-full'])
  const lights = await setUp({ limit: 10 })
  lights.ask('running')
  for (let count = 0; count < 9; count++) lights.ask('file', 'light')
  lights.ask('first catalog')
  t.same(lights.log, ['running'], 'and files do not take the place of catalogs')
})

t.test('a queue for nobody still lets those through who need not wait', async t => {
  const { ask, log } = await setUp({ limit: 0 })
  ask('running')
  ask('next')
  t.same(log, ['running', 'next queue-full'])
})

t.test('one that leaves the queue makes room, is never called, and may leave twice', async t => {
  const { ask, log, runtime, table } = await setUp()
  const running = ask('running')
  const gone = ask('gone')
  ask('next')
  gone.release()
  gone.release()
  running.release()
  running.release()
  await runtime.advance(1)
  t.same(log, ['running', 'next'])
  t.equal(table.taken(0), 1)
})

t.test(
  'one that was tried and failed is not waited for: those who may have another wait for that',
  async t => {
    const { ask, log, runtime } = await setUp({ masters: pool })
    const running = ask('running on m0')
    ask('running on m1', 'catalog', { eligible: any([m1]) })
    ask('not m0', 'catalog', { eligible: any([m1]) })
    ask('any', 'catalog', { eligible: any(pool) })
    running.release()
    await runtime.advance(1)
    t.same(log, ['running on m0', 'running on m1', 'any'])
  }
)

t.test('one that has to try another master keeps its turn, and the time it may wait', async t => {
  const { ask, log, runtime, limits } = await setUp({ timeoutMs: 60_000 })
  let running = ask('running')
  await runtime.advance(1_000)
  ask('later')
  ask('again', 'catalog', { sinceMs: 500 })
  running.release()
  await runtime.advance(59_000)
  t.same(log, ['running', 'again'])
  await runtime.advance(1_000)
  t.same(log, ['running', 'again', 'later queue-timeout'])
  running = ask('x', 'catalog', { limits: limits({ untilMs: runtime.now() }) })
  await runtime.advance(1)
  t.equal(log.at(-1), 'x queue-timeout', 'which may be over already')
  t.ok(running)
})

t.test('a worker whose part of the table is full refuses', async t => {
  const { ask, log, runtime } = await setUp({ entries: 2, limit: 100 })
  const running = ask('running')
  ask('waits')
  ask('too many')
  t.same(log, ['running', 'too many queue-full'])
  running.release()
  await runtime.advance(1)
  ask('fits again')
  t.same(log, ['running', 'too many queue-full', 'waits'])
})

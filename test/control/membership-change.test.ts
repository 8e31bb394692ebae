import pino from 'pino'
import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import { maintainNow, prepareMembership } from '../../src/control/membership-change.ts'
import { NoSeatError } from '../../src/control/roster.ts'
import type { Master } from '../../src/model/master.ts'
import { type Pool, settingsOf, watchedPool } from './watched-pool.ts'

/** Changes of membership over a roster and a supervisor; seating does as the scene says. */
async function setUp(pool: Pool) {
  const pooled = watchedPool(pool)
  await pooled.start()
  const { roster, supervisor, runtime } = pooled
  const events = createEventLog(runtime.wallClock)
  const slow: number[] = []
  const scene = {
    held: 0,
    roomFor: [] as number[],
    vacated: [] as Master[],
    makeRoom: async () => {},
    comesBack: (_: Master) => false
  }
  const prepare = (pool: Pool, ca?: string) =>
    prepareMembership(settingsOf(pool, ca), {
      roster,
      supervisor,
      seating: {
        start() {},
        stop() {},
        vacate: master => scene.vacated.push(master),
        async makeRoom(seats, comesBack = () => false) {
          scene.roomFor.push(seats)
          scene.comesBack = comesBack
          await scene.makeRoom()
        },
        hold() {
          scene.held++
          return () => scene.held--
        }
      },
      slots: { startSlowly: async seat => void slow.push(seat) },
      log: pino({ level: 'silent' }),
      events
    })
  return {
    ...{ ...pooled, scene, prepare },
    slowOnes: () => roster.current().masters.flatMap(({ name, seat }) => (slow.includes(seat) ? [name] : [])),
    joined: () => events.recent().map(({ text }) => text)
  }
}

t.test('nothing changes before it is put in force, but those who join are watched', async t => {
  const { prepare, roster, joined, scene, probedAt } = await setUp({ a: 1 })
  const before = roster.current().masters
  const change = await prepare({ a: 5, b: 1 })
  t.equal(roster.current().masters, before)
  t.ok(probedAt.get('b'))
  t.equal(scene.held, 1, 'and nobody goes meanwhile')
  change.commit()
  t.equal(scene.held, 0)
  t.match(roster.current().masters, [{ weight: 5 }, { name: 'b' }])
  t.same(joined(), ['b joins at https://b.example.com:8140'])
})

t.test('who joins others that serve starts slowly, and nobody else does', async t => {
  const { prepare, slowOnes } = await setUp({ a: 1 })
  const change = await prepare({ a: 1, b: 1, c: 1 })
  change.commit()
  t.same(slowOnes(), ['b', 'c'])
})

for (const [who, pool, next, sick] of [
  ['all who leave', { a: 1 }, { b: 1 }, ''],
  ['one that takes no new runs from now on', { a: 1 }, { a: 0, b: 1 }, ''],
  ['one that is down', { a: 1 }, { a: 1, b: 1 }, 'a']
] as const) {
  t.test(`who takes over from ${who} has no time to warm up`, async t => {
    const { prepare, slowOnes, sick: ill, runtime } = await setUp(pool)
    ill.add(sick)
    await runtime.advance(4 * 5_500)
    const change = await prepare(next)
    change.commit()
    t.same(slowOnes(), [])
  })
}

t.test(
  'room is made for as many as are new, the CA among them, and none that is named must go for it',
  async t => {
    const { prepare, scene, roster, become } = await setUp({ a: 1, b: 1 })
    await become({ a: 1 })
    await prepare({ a: 1, b: 1, c: 1 }, 'https://new-ca:8140')
    t.same(scene.roomFor, [2])
    t.same(roster.current().masters.map(scene.comesBack), [true, true])
    await prepare({ a: { url: 'https://elsewhere:8140' } })
    t.same(scene.roomFor, [2, 1])
    t.same(roster.current().masters.map(scene.comesBack), [false, false])
  }
)

t.test('without room nothing is held, watched or changed', async t => {
  const { prepare, scene, probedAt, roster } = await setUp({ a: 1 })
  const before = roster.current().masters
  scene.makeRoom = () => Promise.reject(new NoSeatError('no room'))
  await t.rejects(prepare({ b: 1 }), NoSeatError)
  t.equal(scene.held, 0)
  t.equal(probedAt.get('b'), undefined)
  t.equal(roster.current().masters, before)
})

t.test('an old CA is seen off once its successor is published; masters are left to the seating', async t => {
  const { prepare, scene, roster, slowOnes } = await setUp({ a: 1, b: 1 })
  const { ca } = roster.current()
  const change = await prepare({ a: 1 }, 'https://new-ca:8140')
  change.commit()
  t.same(scene.vacated, [])
  change.seeOff()
  t.same(scene.vacated, [ca])
  t.same(slowOnes(), [])
})

t.test(
  'an old CA is seen off though a master goes into maintenance while its successor is probed',
  async t => {
    const { prepare, scene, roster, supervisor } = await setUp({ a: 1, b: 1 })
    const { ca } = roster.current()
    const { watch } = supervisor
    Object.assign(supervisor, {
      watch(masters: readonly Master[]) {
        maintainNow(settingsOf({ a: 1, b: { mode: 'maint' } }), { roster, supervisor })
        return watch(masters)
      }
    })
    const change = await prepare({ a: 1, b: 1 }, 'https://new-ca:8140')
    change.commit()
    change.seeOff()
    t.match(scene.vacated, [{ id: ca.id, seat: ca.seat }])
  }
)

for (const mode of ['draining', 'maint'] as const)
  t.test(`who comes back from ${mode} is probed first, and starts slowly beside others`, async t => {
    const { prepare, slowOnes, probedAt, stateOf, sick } = await setUp({ a: 1, b: 1 })
    ;(await prepare({ a: 1, b: { mode } })).commit()
    const probes = probedAt.get('b')?.length ?? 0
    sick.add('b')
    const change = await prepare({ a: 1, b: 1 })
    t.equal(probedAt.get('b')?.length, probes + 1)
    change.commit()
    t.equal(stateOf('b'), 'down')
    t.same(slowOnes(), ['b'])
  })

t.test('who comes back alone has no time to warm up', async t => {
  const { prepare, slowOnes } = await setUp({ a: 1 })
  ;(await prepare({ a: { mode: 'draining' } })).commit()
  ;(await prepare({ a: 1 })).commit()
  t.same(slowOnes(), [])
})

t.test('nobody is probed for a weight, nor for going out of service', async t => {
  const { prepare, probedAt } = await setUp({ a: 1, b: 1, c: 1 })
  const change = await prepare({ a: 5, b: { mode: 'draining' }, c: { mode: 'maint' } })
  change.commit()
  t.same(
    ['a', 'b', 'c'].map(name => probedAt.get(name)?.length),
    [1, 1, 1]
  )
})

t.test('in maintenance nobody watches a master, be it an old one or one that joins so', async t => {
  const { prepare, supervisor, idOf, probedAt, roster } = await setUp({ a: 1, b: 1 })
  ;(await prepare({ a: 1, b: { mode: 'maint' }, c: { mode: 'maint' } })).commit()
  for (const name of ['b', 'c']) t.equal(supervisor.watchOf(idOf(name)), undefined)
  t.equal(probedAt.get('c'), undefined)
  t.match(roster.current().masters, [{ mode: 'active' }, { mode: 'maint' }, { mode: 'maint' }])
  ;(await prepare({ a: 1, b: { mode: 'draining' }, c: { mode: 'maint' } })).commit()
  t.ok(supervisor.watchOf(idOf('b')), 'to end runs it must be known to be up')
})

t.test('one that left in maintenance and is named again is watched again', async t => {
  const { prepare, stateOf } = await setUp({ a: 1, b: 1 })
  ;(await prepare({ a: 1, b: { mode: 'maint' } })).commit()
  ;(await prepare({ a: 1 })).commit()
  ;(await prepare({ a: 1, b: 1 })).commit()
  t.equal(stateOf('b'), 'up')
})

t.test(
  'one that goes into maintenance with work is asked a last time whether anything comes from it',
  async t => {
    const { prepare, roster, supervisor, frozen, busy, working, abandoned, givenUp, probedAt, runtime } =
      await setUp({ well: 1, frozen: 1, slow: 1, idle: 1, other: 1 })
    frozen.add('frozen').add('idle')
    busy.add('slow')
    for (const name of ['well', 'frozen', 'slow']) working.add(name)
    const maint = { mode: 'maint' as const }
    const change = await prepare({ well: maint, frozen: maint, slow: maint, idle: maint, other: 1 })
    const looks = () => ['well', 'frozen', 'slow', 'idle'].map(name => probedAt.get(name)?.length)
    const before = looks()
    change.commit()
    await runtime.advance(0)
    t.same(
      looks().map((count, index) => (count ?? 0) - (before[index] ?? 0)),
      [1, 1, 1, 0]
    )
    t.same(abandoned, ['frozen'])
    t.equal(givenUp(), 'frozen', 'and not one that is slow for the first time')
    await runtime.advance(60_000)
    t.same(
      looks().map((count, index) => (count ?? 0) - (before[index] ?? 0)),
      [1, 1, 1, 0],
      'and never again'
    )
    const [, { id } = { id: -1 }] = roster.current().masters
    t.equal(supervisor.snapshot().causes?.get(id), 'timed out')
    frozen.clear()
    const back = await prepare({ well: maint, frozen: 1, slow: maint, idle: maint, other: 1 })
    back.commit()
    supervisor.refresh()
    t.equal(givenUp(), '')
  }
)

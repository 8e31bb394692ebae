import pino from 'pino'
import t from 'tap'
import { createChangeQueue } from '../../src/control/change-queue.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import { createJoinedMembers, type MemberParts } from '../../src/control/joined-members.ts'
import { masterStatuses } from '../../src/control/master-status.ts'
import { createOperate } from '../../src/control/operations.ts'
import { noOverlay } from '../../src/control/overlay.ts'
import { type Operation, UnknownMasterError } from '../../src/model/operation.ts'
import { captureLog } from '../support/log-lines.ts'
import { type Pool, settingsOf, watchedPool } from './watched-pool.ts'

/** Operations over a roster and a supervisor. */
async function setUp(pool: Pool, overlay: MemberParts['overlay'] = noOverlay) {
  const scene = watchedPool(pool)
  await scene.start()
  const { roster, supervisor, runtime } = scene
  const events = createEventLog(runtime.wallClock)
  const { log, lines } = captureLog()
  const state = { problem: undefined as string | undefined }
  const seating = {
    ...{ start() {}, stop() {}, vacate() {} },
    makeRoom: async () => {},
    hold: () => () => {}
  }
  const members = createJoinedMembers(
    { ...settingsOf(pool), overlay },
    {
      ...{ roster, supervisor, seating, events },
      slots: { startSlowly: async () => {} },
      log: pino({ level: 'silent' })
    }
  )
  const drained = new Set<string>()
  const drains = { isDrained: (id: number) => [...drained].some(name => scene.idOf(name) === id) }
  const changes = createChangeQueue()
  const operate = createOperate({
    ...{ members, roster, supervisor, log, events, changes },
    async apply(change) {
      change.commit()
      supervisor.refresh()
    },
    statuses: () =>
      masterStatuses({
        roster,
        supervisor,
        members,
        drains,
        memory: { board: { inFlight: () => 0 } as never }
      }),
    hasStarted: () => true,
    problem: () => state.problem
  })
  return {
    ...{ ...scene, operate, members, lines, drained, state, changes },
    perform: (name: string, action: Exclude<Operation['action'], 'weight'>) =>
      operate(name, { action }, 'over the Unix socket'),
    weigh: (name: string, weight: number | 'default') =>
      operate(name, { action: 'weight', weight }, 'over TCP, from 192.0.2.1'),
    told: () => events.recent().map(({ kind, text }) => `${kind}: ${text}`)
  }
}

t.test('what is done is said, once, to who asked, in the log and as an event', async t => {
  const { perform, told, lines, drained } = await setUp({ a: 1, b: 1 })
  t.match(await perform('a', 'drain'), {
    done: ['a drains: it takes no new runs, and ends those it has'],
    masters: [{ name: 'a', mode: 'draining' }],
    warnings: []
  })
  t.match(lines, [
    {
      level: 'info',
      master: 'a',
      action: 'drain',
      asker: 'over the Unix socket',
      msg: 'an operator has changed a master'
    }
  ])
  t.same(told().slice(-1), [
    'master-drain: a drains: it takes no new runs, and ends those it has (over the Unix socket)'
  ])
  t.same((await perform('a', 'drain')).done, ['a drains already'])
  drained.add('a')
  t.same((await perform('a', 'drain')).done, ['a is drained already'])
  t.equal(lines.length, 1, 'nothing has changed')
})

t.test('every operation has its sentence, and says when it changes nothing', async t => {
  const { perform, weigh } = await setUp({ a: 75, b: 1 })
  t.same((await perform('a', 'undrain')).done, ['a neither drains nor is in maintenance'])
  t.same((await perform('a', 'maint')).done, ['a is in maintenance: it gets no requests, and is not probed'])
  t.same((await perform('a', 'maint')).done, ['a is in maintenance already'])
  t.same((await perform('a', 'undrain')).done, ['a is given back to work'])
  t.same((await weigh('a', 5)).done, ['a has the weight 5; 75 is configured'])
  t.same((await weigh('a', 'default')).done, ['a has the weight 75 that is configured'])
})

t.test('the name before a slash means all the masters below it, and no others', async t => {
  const { perform, roster, told } = await setUp({ 'rr/1': 1, 'rr/2': 1, 'rr2/3': 1, rrr: 1 })
  t.equal((await perform('rr', 'drain')).done.length, 2)
  t.same(
    roster.current().masters.map(({ mode }) => mode),
    ['draining', 'draining', 'active', 'active']
  )
  t.equal(told().filter(each => each.startsWith('master-drain:')).length, 2)
  await perform('rr/1', 'undrain')
  t.same(
    roster.current().masters.map(({ mode }) => mode),
    ['active', 'draining', 'active', 'active'],
    'and each can be meant alone'
  )
})

t.test('a name that no master has is refused with the names there are, and nothing changes', async t => {
  const { perform, become, snapshots } = await setUp({ a: 1, b: 1 })
  for (const name of ['c', 'A', '', 'a/', 'a\u001b[31m'])
    await t.rejects(perform(name, 'drain'), UnknownMasterError)
  await t.rejects(perform('c', 'maint'), { message: 'there is no master "c"; there is a, b' })
  await t.rejects(perform('a\u001b[31m', 'maint'), { message: /^there is no master "a\\u001b\[31m"; / })
  await t.rejects(perform('ca', 'drain'), { message: /^ca is the CA master/ })
  const published = snapshots.length
  await become({ a: 1 })
  await t.rejects(perform('ca', 'undrain'), UnknownMasterError)
  t.equal(snapshots.length, published + 1)
})

t.test('of many masters a few are named', async t => {
  const { perform } = await setUp(
    Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`m${index}`, 1]))
  )
  await t.rejects(perform('x', 'drain'), { message: /there is m0, .*, m19, and 10 more$/ })
})

t.test('what is worth a second look is a warning', async t => {
  const { perform, weigh, sick, state, lines } = await setUp({ a: 1, b: 1 })
  t.same((await perform('a', 'drain')).warnings, [])
  t.same((await perform('b', 'maint')).warnings, ['no master takes new runs now'])
  t.same((await weigh('a', 3)).warnings, [
    'a is draining: the weight counts after that',
    'no master takes new runs now'
  ])
  sick.add('b')
  t.same((await perform('b', 'undrain')).warnings, [
    'b is down (ECONNREFUSED): it gets work when it is up',
    'no master takes new runs now'
  ])
  await weigh('b', 0)
  t.same((await perform('b', 'undrain')).warnings, [
    'b has the weight 0: it takes no new runs',
    'no master takes new runs now'
  ])
  state.problem = 'it cannot be kept'
  t.same((await perform('a', 'undrain')).warnings, ['it cannot be kept'])
  t.ok(lines.some(({ level, msg }) => level === 'warn' && msg === 'it cannot be kept'))
})

t.test('a pool that is left without anybody is named', async t => {
  const { perform } = await setUp({ a: 1, b: { pools: ['dmz', 'reports'] }, c: { pools: ['reports'] } })
  t.same((await perform('c', 'drain')).warnings, [])
  t.same((await perform('b', 'drain')).warnings, [
    'no master of the pool dmz takes new runs now',
    'no master of the pool reports takes new runs now'
  ])
  t.same((await perform('a', 'drain')).warnings, ['no master takes new runs now'])
})

t.test('what is kept of a name that is no master can be taken back, and nothing else', async t => {
  const { perform, weigh, members } = await setUp(
    { a: 1 },
    new Map([
      ['rr/1', { mode: 'maint' as const, weight: 5 }],
      ['rr/2', { weight: 7 }]
    ])
  )
  for (const action of ['drain', 'maint'] as const)
    await t.rejects(perform('rr/1', action), UnknownMasterError)
  await t.rejects(weigh('rr/1', 3), UnknownMasterError)
  t.same(await perform('rr/1', 'undrain'), {
    done: ['rr/1 is no master now: what was said of it is forgotten'],
    masters: [],
    warnings: []
  })
  t.same(
    [...members.current().overlay],
    [
      ['rr/1', { weight: 5 }],
      ['rr/2', { weight: 7 }]
    ]
  )
  await weigh('rr', 'default')
  t.equal(members.current().overlay.size, 0)
})

t.test('what is said of a part of a name holds for masters that come, and is taken back for all', async t => {
  const { perform, weigh, members, become, roster } = await setUp({ 'rr/1': 1, 'rr/2': 1, other: 1 })
  t.match((await perform('rr', 'drain')).done, [/^rr\/1 drains: /, /^rr\/2 drains: /])
  await weigh('rr', 9)
  await perform('rr/2', 'undrain')
  async function come(pool: Pool) {
    await become(pool)
    const change = await members.prepare(settingsOf(pool))
    change.commit()
    return roster
      .current()
      .masters.flatMap(({ name, mode, weight }) => (mode === 'leaving' ? [] : `${name} ${mode} ${weight}`))
  }
  t.same(await come({ 'rr/1': 1, 'rr/2': 1, 'rr/3': 1, other: 1 }), [
    'rr/1 draining 9',
    'rr/2 active 9',
    'rr/3 draining 9',
    'other active 1'
  ])
  t.same((await perform('rr', 'drain')).done, [
    'rr/1 drains already',
    'rr/2 drains: it takes no new runs, and ends those it has',
    'rr/3 drains already'
  ])
  await perform('rr', 'undrain')
  await weigh('rr', 'default')
  t.equal(members.current().overlay.size, 0)
  t.same(await come({ 'rr/4': 1, other: 1 }), ['rr/4 active 1', 'other active 1'])
})

t.test('an operation that fails changes nothing, and the next one has its turn', async t => {
  const { perform, supervisor, roster } = await setUp({ a: 1, b: 1 })
  await perform('a', 'maint')
  const { watch } = supervisor
  Object.assign(supervisor, { watch: () => Promise.reject(new Error('a defect')) })
  await t.rejects(perform('a', 'undrain'), { message: 'a defect' })
  t.match(roster.current().masters, [{ mode: 'maint' }, { mode: 'active' }])
  Object.assign(supervisor, { watch })
  t.same((await perform('a', 'undrain')).done, ['a is given back to work'])
})

t.test('maintenance waits for no change that is prepared, and holds over it', async t => {
  const { perform, members, changes, roster, supervisor, stateOf } = await setUp({ a: 1, b: 1 })
  const { promise: probed, resolve } = Promise.withResolvers<void>()
  const reload = changes.run(async () => {
    const change = await members.prepare(settingsOf({ a: 5, b: 1, c: 1 }))
    await probed
    change.commit()
    supervisor.refresh()
  })
  const undrain = perform('a', 'undrain')
  const drain = perform('b', 'drain')
  t.match(await perform('a', 'maint'), { masters: [{ name: 'a', mode: 'maint' }] })
  t.equal(
    (await perform('b', 'maint')).done[0],
    'b is in maintenance: it gets no requests, and is not probed'
  )
  const modes = () => roster.current().masters.map(({ name, mode }) => `${name} ${mode}`)
  t.same(modes(), ['a maint', 'b maint'])
  resolve()
  await reload
  t.same((await undrain).done, ['a is in maintenance, as was said meanwhile'])
  t.same((await drain).done, ['b is in maintenance, as was said meanwhile'])
  t.same(modes(), ['a maint', 'b maint', 'c active'])
  t.match(roster.current().masters, [{ name: 'a', weight: 5 }], 'and the reload is in force')
  t.equal(stateOf('a'), 'unknown', 'it is not watched')
  t.same((await perform('a', 'undrain')).done, ['a is given back to work'], 'what is said later counts')
  t.same(modes(), ['a active', 'b maint', 'c active'])
})

t.test('a name that only a change under way knows is put into maintenance in its turn', async t => {
  const { perform, members, changes, roster } = await setUp({ a: 1 })
  void changes.run(async () => (await members.prepare(settingsOf({ a: 1, b: 1 }))).commit())
  await perform('b', 'maint')
  t.match(roster.current().masters, [{ mode: 'active' }, { name: 'b', mode: 'maint' }])
})

t.test('maintenance of one that a reload under way takes out is forgotten with it, for good', async t => {
  const { perform, members, changes, roster, supervisor } = await setUp({ a: 1, b: 1 })
  const { promise: probed, resolve } = Promise.withResolvers<void>()
  const reload = async (pool: Pool) => {
    const change = await members.prepare(settingsOf(pool))
    await probed
    change.commit()
    supervisor.refresh()
    return change.remarks()
  }
  const takenOut = changes.run(() => reload({ b: 1 }))
  const drain = perform('b', 'drain')
  await perform('a', 'maint')
  const back = changes.run(() => reload({ a: 1, b: 1 }))
  resolve()
  t.same(await takenOut, [
    'a is in maintenance, as an operator said: that is forgotten, for the configuration names no a any more'
  ])
  await drain
  await back
  t.same([...members.current().overlay.keys()], ['b'])
  t.match(roster.current().masters, [
    { name: 'a', mode: 'active' },
    { name: 'b', mode: 'draining' }
  ])
})

t.test('maintenance that is said once more holds over what was said before and waits', async t => {
  const { perform, members, changes, roster } = await setUp({ a: 1, b: 1 })
  await perform('a', 'maint')
  const { promise: probed, resolve } = Promise.withResolvers<void>()
  const reload = changes.run(async () => {
    const change = await members.prepare(settingsOf({ a: 1, b: 1 }))
    await probed
    change.commit()
  })
  const undrain = perform('a', 'undrain')
  t.same((await perform('a', 'maint')).done, ['a is in maintenance already'])
  resolve()
  await reload
  t.same((await undrain).done, ['a is in maintenance, as was said meanwhile'])
  t.match(roster.current().masters, [{ mode: 'maint' }, { mode: 'active' }])
})

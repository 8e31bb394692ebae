import pino from 'pino'
import t from 'tap'
import { createDrains } from '../../src/control/drains.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import { overlaid } from '../../src/control/overlay.ts'
import { createRemainingWork } from '../../src/control/remaining-work.ts'
import { settingsOf, watchedPool } from './watched-pool.ts'

const LOOK_MS = 500

async function setUp() {
  const pool = watchedPool({ a: 1, b: 1 })
  const { roster, supervisor, runtime, idOf } = pool
  const [inFlight, taken, pinned] = [
    new Map<number, number>(),
    new Map<number, number>(),
    new Map<number, number>()
  ]
  let looks = 0
  const work = createRemainingWork({
    supervisor,
    board: { inFlight: seat => inFlight.get(seat) ?? 0 },
    slots: { taken: seat => taken.get(seat) ?? 0 },
    pins: {
      isLedTo(id) {
        looks++
        return (pinned.get(id) ?? 0) > 0
      }
    },
    held: { connectionsOf: () => 0, of: () => 0 },
    runtime
  })
  const events = createEventLog(runtime.wallClock)
  let applied: (() => void)[] = []
  const drains = createDrains({
    roster,
    work,
    whenApplied: () => new Promise(resolve => void applied.push(resolve)),
    runtime,
    log: pino({ level: 'silent' }),
    events
  })
  await pool.start()
  drains.start()
  return {
    ...{ ...pool, inFlight, taken, pinned, drains },
    seatOf: (name: string) => roster.current().masters.find(each => each.name === name)?.seat as number,
    mode(name: string, mode: 'active' | 'draining' | 'maint') {
      const { masters, ca } = settingsOf({ a: 1, b: 1 })
      const overlay = new Map(mode === 'active' ? [] : [[name, { mode }]])
      roster.adopt(roster.propose({ masters: overlaid(masters, overlay), ca }))
      drains.changed()
    },
    look: () => runtime.advance(LOOK_MS),
    /** Every plane goes by what was published. */
    async apply() {
      for (const resolve of applied) resolve()
      applied = []
      await runtime.advance(0)
    },
    isDrained: (name: string) => drains.isDrained(idOf(name)),
    told: () => events.recent().flatMap(({ kind, text }) => (kind === 'master-drained' ? [text] : [])),
    looks: () => looks
  }
}

t.test('one that drains is drained once it has no request, no JRuby at work and no run', async t => {
  const { mode, look, apply, isDrained, told, inFlight, taken, pinned, seatOf, idOf } = await setUp()
  inFlight.set(seatOf('a'), 1)
  taken.set(seatOf('a'), 1)
  pinned.set(idOf('a'), 1)
  mode('a', 'draining')
  for (const [what, table, key] of [
    ['a request', inFlight, seatOf('a')],
    ['a JRuby that works for an agent that has gone', taken, seatOf('a')],
    ['a run', pinned, idOf('a')]
  ] as const) {
    await look()
    await apply()
    t.notOk(isDrained('a'), what)
    table.delete(key)
  }
  await look()
  await apply()
  t.ok(isDrained('a'))
  t.same(told(), ['a is drained'])
  await look()
  await apply()
  t.same(told(), ['a is drained'], 'once')
})

t.test('it is not drained while a plane may not have heard of it', async t => {
  const { mode, look, apply, isDrained, inFlight, seatOf } = await setUp()
  mode('a', 'draining')
  await look()
  t.notOk(isDrained('a'))
  inFlight.set(seatOf('a'), 1)
  await apply()
  t.notOk(isDrained('a'), 'what came at the last moment counts')
  inFlight.clear()
  await look()
  await apply()
  t.ok(isDrained('a'))
})

t.test(
  'active masters and those in maintenance are not drained, nor one that is given back meanwhile',
  async t => {
    const { mode, look, apply, isDrained, told } = await setUp()
    await look()
    await apply()
    mode('a', 'draining')
    await look()
    mode('a', 'active')
    await apply()
    t.notOk(isDrained('a'))
    mode('a', 'maint')
    await look()
    await apply()
    t.same(told(), [])
  }
)

t.test('one that is drained anew is told anew', async t => {
  const { mode, look, apply, isDrained, told } = await setUp()
  for (let times = 0; times < 2; times++) {
    mode('a', 'draining')
    await look()
    await apply()
    t.ok(isDrained('a'))
    mode('a', 'active')
    await look()
    t.notOk(isDrained('a'))
  }
  t.equal(told().length, 2)
})

t.test('one that is given back and drained anew between two looks has all to end that it got', async t => {
  const { mode, look, apply, isDrained, told, pinned, idOf } = await setUp()
  mode('a', 'draining')
  await look()
  await apply()
  mode('a', 'active')
  pinned.set(idOf('a'), 1)
  mode('a', 'draining')
  t.notOk(isDrained('a'))
  await look()
  await apply()
  t.notOk(isDrained('a'), 'a run is pinned to it')
  pinned.clear()
  await look()
  await apply()
  t.ok(isDrained('a'))
  t.equal(told().length, 2)
})

t.test('what planes went by before it was drained anew proves nothing', async t => {
  const { mode, look, apply, isDrained } = await setUp()
  mode('a', 'draining')
  await look()
  mode('a', 'active')
  mode('a', 'draining')
  await apply()
  t.notOk(isDrained('a'))
  await look()
  await apply()
  t.ok(isDrained('a'))
})

t.test('one that is down is drained when it has no request: no run can end there', async t => {
  const { mode, look, apply, isDrained, sick, pinned, idOf, runtime } = await setUp()
  pinned.set(idOf('a'), 3)
  sick.add('a')
  await runtime.advance(4 * 5_500)
  mode('a', 'draining')
  await look()
  await apply()
  t.ok(isDrained('a'))
})

t.test('nor where no word comes from it, as when its machine was switched off', async t => {
  const { mode, look, apply, isDrained, frozen, pinned, idOf, runtime } = await setUp()
  pinned.set(idOf('a'), 3)
  frozen.add('a')
  await runtime.advance(5_500)
  mode('a', 'draining')
  await look()
  await apply()
  t.ok(isDrained('a'))
})

t.test('runs are not counted for ever of one that is drained', async t => {
  const { mode, look, apply, looks } = await setUp()
  mode('a', 'draining')
  await look()
  await apply()
  const before = looks()
  for (let times = 0; times < 10; times++) await look()
  t.equal(looks(), before)
})

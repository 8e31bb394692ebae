import pino from 'pino'
import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import { NoSeatError } from '../../src/control/roster.ts'
import { createSeating } from '../../src/control/seating.ts'
import { type Master, seatCount } from '../../src/model/master.ts'
import { type Pool, watchedPool } from './watched-pool.ts'

const LOOK_MS = 500

/** Seating over a roster and a supervisor, with what is counted at each seat and what planes have applied by hand. */
async function setUp(pool: Pool) {
  const scene = watchedPool(pool)
  const { roster, supervisor, runtime } = scene
  const [inFlight, taken, failed, pinned] = [
    new Map<number, number>(),
    new Map<number, number>(),
    new Map<number, number>(),
    new Map<number, number>()
  ]
  const events = createEventLog(runtime.wallClock)
  const reset: string[] = []
  let applied: (() => void)[] = []
  const seating = createSeating({
    roster,
    supervisor,
    board: { inFlight: seat => inFlight.get(seat) ?? 0 },
    slots: {
      taken: seat => taken.get(seat) ?? 0,
      failed: seat => failed.get(seat) ?? 0,
      resetSeat: async seat => void reset.push(`slots ${seat}`)
    },
    pins: { isLedTo: id => (pinned.get(id) ?? 0) > 0 },
    held: { of: () => 0, connectionsOf: () => 0 },
    turns: { resetSeat: async seat => void reset.push(`turns ${seat}`) },
    results: { reset: seat => void reset.push(`results ${seat}`) },
    compileTimes: { reset: seat => void reset.push(`compile times ${seat}`) },
    whenApplied: () => new Promise(resolve => void applied.push(resolve)),
    runtime,
    log: pino({ level: 'silent' }),
    events
  })
  await scene.start()
  seating.start()
  return {
    ...{ ...scene, seating, inFlight, taken, failed, pinned, reset },
    look: () => runtime.advance(LOOK_MS),
    /** Every plane goes by what was published. */
    async apply() {
      for (const resolve of applied) resolve()
      applied = []
      await runtime.advance(0)
    },
    member: (name: string) =>
      [...roster.current().masters, roster.current().ca].find(each => each.name === name) as Master,
    members: () => roster.current().masters.map(({ name }) => name),
    left: () => events.recent().flatMap(({ kind, master }) => (kind === 'master-left' ? [master] : []))
  }
}

t.test('one that leaves with nothing to end is gone at the next look, and that is told', async t => {
  const { become, look, members, left, snapshots, supervisor, member } = await setUp({ a: 1, b: 1 })
  await become({ a: 1 })
  const { id } = member('b')
  t.same(members(), ['a', 'b'])
  await look()
  t.same(members(), ['a'])
  t.same(left(), ['b'])
  t.same(
    snapshots.at(-1)?.masters.map(({ name }) => name),
    ['a']
  )
  t.equal(supervisor.watchOf(id), undefined, 'nobody watches it any more')
})

t.test('it stays while it has requests, slots of agents that left, or pinned runs', async t => {
  const { become, look, members, member, inFlight, taken, pinned } = await setUp({ a: 1, b: 1 })
  const { id, seat } = member('b')
  inFlight.set(seat, 1)
  await become({ a: 1 })
  await look()
  t.same(members(), ['a', 'b'])
  taken.set(seat, 1)
  inFlight.delete(seat)
  await look()
  t.same(members(), ['a', 'b'])
  pinned.set(id, 3)
  taken.delete(seat)
  await look()
  t.same(members(), ['a', 'b'])
  pinned.delete(id)
  await look()
  t.same(members(), ['a'])
})

t.test('one that is down goes with its pins as soon as it is idle: no run can end there', async t => {
  const { become, look, runtime, sick, members, member, inFlight, pinned } = await setUp({ a: 1, b: 1 })
  const { id, seat } = member('b')
  pinned.set(id, 3)
  inFlight.set(seat, 1)
  await become({ a: 1 })
  sick.add('b')
  await runtime.advance(4 * 5_500)
  t.same(members(), ['a', 'b'], 'its last request is not over')
  inFlight.delete(seat)
  await look()
  t.same(members(), ['a'])
})

t.test('active masters stay, idle and without pins as they are', async t => {
  const { runtime, members } = await setUp({ a: 1, b: 0 })
  await runtime.advance(60_000)
  t.same(members(), ['a', 'b'])
})

t.test('its seat is free once every plane has heard of it, and cleared of what was known of it', async t => {
  const { become, look, apply, roster, member, reset } = await setUp({ a: 1, b: 1 })
  const { seat } = member('b')
  await become({ a: 1 })
  const free = roster.freeSeats()
  await look()
  await look()
  t.equal(roster.freeSeats(), free, 'a plane may still send somebody there')
  t.same(reset, [])
  await apply()
  t.equal(roster.freeSeats(), free + 1)
  t.same(reset, [`slots ${seat}`, `turns ${seat}`, `results ${seat}`, `compile times ${seat}`])
})

t.test('it may go, but its seat is not free, while catalogs count there that it failed', async t => {
  const { become, look, apply, roster, member, members, failed } = await setUp({ a: 1, b: 1 })
  const { seat } = member('b')
  await become({ a: 1 })
  const free = roster.freeSeats()
  failed.set(seat, 1)
  await look()
  t.same(members(), ['a'])
  await apply()
  t.equal(roster.freeSeats(), free, 'they must not count against who comes next')
  failed.delete(seat)
  await look()
  t.equal(roster.freeSeats(), free + 1)
})

t.test('its seat is not free while something is counted there that came at the last moment', async t => {
  const { become, look, apply, roster, member, inFlight, reset } = await setUp({ a: 1, b: 1 })
  const { seat } = member('b')
  await become({ a: 1 })
  const free = roster.freeSeats()
  await look()
  inFlight.set(seat, 1)
  await apply()
  await look()
  t.equal(roster.freeSeats(), free)
  t.same(reset, [])
  inFlight.delete(seat)
  await look()
  t.equal(roster.freeSeats(), free + 1)
})

t.test('one that is named again in time stays, and has never left', async t => {
  const { become, look, members, member, pinned, left } = await setUp({ a: 1, b: 1 })
  const { id } = member('b')
  pinned.set(id, 1)
  await become({ a: 1 })
  await look()
  await become({ a: 1, b: 1 })
  pinned.delete(id)
  await look()
  t.same(members(), ['a', 'b'])
  t.equal(member('b').id, id)
  t.same(left(), [])
})

t.test('while a proposal stands nobody goes: it may name one again that could', async t => {
  const { become, look, members, seating } = await setUp({ a: 1, b: 1 })
  await become({ a: 1 })
  const release = seating.hold()
  await look()
  t.same(members(), ['a', 'b'])
  release()
  await look()
  t.same(members(), ['a'])
})

t.test('an old CA gives its seat back when no plane knows it and none of its requests is left', async t => {
  const { become, look, apply, roster, member, seating, inFlight, supervisor } = await setUp({ a: 1 })
  const old = member('ca')
  inFlight.set(old.seat, 1)
  await become({ a: 1 }, 'https://new-ca:8140')
  seating.vacate(old)
  const free = roster.freeSeats()
  t.equal(supervisor.watchOf(old.id), undefined)
  await apply()
  t.equal(roster.freeSeats(), free)
  inFlight.delete(old.seat)
  await look()
  t.equal(roster.freeSeats(), free + 1)
})

/** A full house: one seat is the CA's. */
const full = Object.fromEntries(Array.from({ length: seatCount - 1 }, (_, index) => [`m${index}`, 1]))
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(full).filter(([name]) => !names.includes(name)))

t.test('room that there is needs no waiting, and asks nobody to go', async t => {
  const { become, seating, members, member, pinned } = await setUp({ a: 1, b: 1 })
  pinned.set(member('b').id, 1)
  await become({ a: 1 })
  await seating.makeRoom(5)
  t.same(members(), ['a', 'b'])
})

t.test('under pressure those go that have nothing but pins, as many as are needed', async t => {
  const { become, seating, apply, runtime, roster, members, member, pinned } = await setUp(full)
  const names = ['m0', 'm1', 'm2']
  for (const name of names) pinned.set(member(name).id, 1)
  await become(without(...names))
  const made = seating.makeRoom(2)
  await apply()
  await runtime.advance(20)
  await made
  t.equal(roster.freeSeats(), 2)
  t.same(
    names.filter(name => members().includes(name)),
    ['m2']
  )
})

t.test('those that are named again are not asked to go', async t => {
  const { become, seating, apply, runtime, members, member, pinned } = await setUp(full)
  for (const name of ['m0', 'm1']) pinned.set(member(name).id, 1)
  await become(without('m0', 'm1'))
  const made = seating.makeRoom(1, ({ name }) => name === 'm0')
  await apply()
  await runtime.advance(20)
  await made
  t.ok(members().includes('m0'))
  t.notOk(members().includes('m1'))
})

t.test('requests are waited for, but not for ever', async t => {
  const { become, seating, apply, runtime, member, inFlight, members } = await setUp(full)
  inFlight.set(member('m0').seat, 1)
  await become(without('m0'))
  const late = seating.makeRoom(1)
  const refused = t.rejects(late, NoSeatError)
  await runtime.advance(9_000)
  t.ok(members().includes('m0'))
  await runtime.advance(1_100)
  await refused
  const made = seating.makeRoom(1)
  await runtime.advance(1_000)
  inFlight.clear()
  await runtime.advance(LOOK_MS)
  await apply()
  await runtime.advance(20)
  await made
  t.notOk(members().includes('m0'))
})

t.test('a seat that is about to be free is waited for before somebody else is asked to go', async t => {
  const { become, look, seating, apply, runtime, members, member, pinned } = await setUp(full)
  pinned.set(member('m1').id, 1)
  await become(without('m0', 'm1'))
  await look()
  const made = seating.makeRoom(1)
  await runtime.advance(20)
  t.ok(members().includes('m1'))
  await apply()
  await runtime.advance(20)
  await made
  t.ok(members().includes('m1'))
})

t.test('once stopped nobody goes and no seat is freed', async t => {
  const { become, look, apply, seating, roster, members } = await setUp({ a: 1, b: 1, c: 1 })
  await become({ a: 1, b: 1 })
  await look()
  await become({ a: 1 })
  const free = roster.freeSeats()
  seating.stop()
  await look()
  await apply()
  t.same(members(), ['a', 'b'])
  t.equal(roster.freeSeats(), free)
})

t.test('one that leaves out of maintenance goes as soon as it is idle: no run can end there', async t => {
  const { become, look, members, member, pinned, supervisor } = await setUp({ a: 1, b: 1 })
  const { id } = member('b')
  pinned.set(id, 3)
  await become({ a: 1, b: { mode: 'maint' } })
  supervisor.unwatch(id)
  await become({ a: 1 })
  await look()
  t.same(members(), ['a'])
})

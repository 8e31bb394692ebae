import t from 'tap'
import {
  createRoster,
  type MemberSettings,
  type Membership,
  NoSeatError,
  type Roster,
  type Wanted
} from '../../src/control/roster.ts'
import { type Master, seatCount, seatOf } from '../../src/model/master.ts'
import { maxMasters } from '../../src/model/settings.ts'

const of = (name: string, rest: Partial<MemberSettings> = {}): MemberSettings => ({
  name,
  url: `https://${name}:8140`,
  weight: 1,
  priority: 0,
  source: 'file',
  addresses: [],
  ...rest
})
const settings = (masters: readonly MemberSettings[], ca = 'https://ca:8140'): Wanted => ({
  masters,
  ca: { url: ca, addresses: [] }
})

/** A roster whose members are these. */
function rosterOf(masters: readonly MemberSettings[]): Roster {
  const roster = createRoster()
  take(roster, settings(masters))
  return roster
}

function take(roster: Roster, wanted: Wanted): void {
  roster.adopt(roster.propose(wanted))
}

const memberOf = ({ current }: Roster, name: string) =>
  current().masters.find(master => master.name === name) as Master
const modesOf = ({ masters }: Membership) =>
  Object.fromEntries(masters.map(({ name, url, mode }) => [`${name} ${url}`, mode]))

/** Lets one that leaves go, and somebody else have its seat. */
function seeOff(roster: Roster, { id, seat }: Master): void {
  roster.dismiss(id)
  roster.free(seat)
}

t.test('every master and the CA sit down on a seat of their own, the ids naming the seats', async t => {
  const { masters, ca } = rosterOf([of('a'), of('b')]).current()
  t.equal(new Set([...masters, ca].map(({ seat }) => seat)).size, 3)
  for (const { id, seat } of [...masters, ca]) t.equal(seatOf(id), seat)
  t.same(
    masters.map(({ name, mode }) => [name, mode]),
    [
      ['a', 'active'],
      ['b', 'active']
    ]
  )
})

t.test('the same name and URL keep id and seat, whoever comes, goes or changes places', async t => {
  const roster = rosterOf([of('a'), of('b'), of('c')])
  const before = memberOf(roster, 'b')
  for (const masters of [
    [of('b'), of('c'), of('a')],
    [of('d'), of('e'), of('b')],
    [of('b')],
    [of('f'), of('b'), of('a')]
  ]) {
    take(roster, settings(masters))
    t.match(memberOf(roster, 'b'), { id: before.id, seat: before.seat, mode: 'active' })
  }
})

t.test('weight, priority and capacity change in place, and what is handed out does not', async t => {
  const roster = rosterOf([of('a', { capacity: 4 }), of('b')])
  const before = memberOf(roster, 'a')
  const proposal = roster.propose(settings([of('a', { weight: 0, priority: 2 }), of('b', { capacity: 8 })]))
  t.same([proposal.joining, proposal.leaving], [[], []])
  roster.adopt(proposal)
  const after = memberOf(roster, 'a')
  t.match(after, { id: before.id, seat: before.seat, weight: 0, priority: 2, mode: 'active' })
  t.equal(after.capacity, undefined, 'a capacity that is not named any more is not kept')
  t.equal(memberOf(roster, 'b').capacity, 8)
  t.match(before, { weight: 1, priority: 0, capacity: 4 })
  t.throws(() => Object.assign(after, { weight: 9 }))
})

t.test('a changed URL is another master, and the old one leaves', async t => {
  const roster = rosterOf([of('a')])
  const before = memberOf(roster, 'a')
  const proposal = roster.propose(settings([of('a', { url: 'https://new:8140' })]))
  t.match(proposal.joining, [{ name: 'a', url: 'https://new:8140', mode: 'active' }])
  t.same(proposal.leaving, [before])
  roster.adopt(proposal)
  t.same(modesOf(roster.current()), { 'a https://a:8140': 'leaving', 'a https://new:8140': 'active' })
  const ids = roster.current().masters.map(({ id }) => id)
  t.equal(new Set(ids).size, 2)
})

t.test('one that leaves stays a member until it is dismissed, and is not said to leave twice', async t => {
  const roster = rosterOf([of('a'), of('b')])
  const b = memberOf(roster, 'b')
  take(roster, settings([of('a')]))
  t.match(memberOf(roster, 'b'), { id: b.id, mode: 'leaving' })
  const next = roster.propose(settings([of('a')]))
  t.same(next.leaving, [])
  roster.adopt(next)
  t.match(memberOf(roster, 'b'), { id: b.id, mode: 'leaving' })
  roster.dismiss(b.id)
  t.same(
    roster.current().masters.map(({ name }) => name),
    ['a']
  )
})

t.test('one that is named again before it has gone is the same again', async t => {
  const roster = rosterOf([of('a'), of('b')])
  const b = memberOf(roster, 'b')
  take(roster, settings([of('a')]))
  const proposal = roster.propose(settings([of('a'), of('b', { weight: 5 })]))
  t.same([proposal.joining, proposal.leaving], [[], []])
  roster.adopt(proposal)
  t.match(memberOf(roster, 'b'), { id: b.id, seat: b.seat, weight: 5, mode: 'active' })
})

t.test('one that is named again after it has gone is another one', async t => {
  const roster = rosterOf([of('a'), of('b')])
  const b = memberOf(roster, 'b')
  take(roster, settings([of('a')]))
  seeOff(roster, memberOf(roster, 'b'))
  take(roster, settings([of('a'), of('b')]))
  t.equal(memberOf(roster, 'b').seat, b.seat, 'although it may sit where it sat')
  t.not(memberOf(roster, 'b').id, b.id)
})

t.test('a seat is given away no sooner than it is free', async t => {
  const roster = rosterOf([of('a'), of('b')])
  const { id, seat } = memberOf(roster, 'b')
  take(roster, settings([of('a')]))
  roster.dismiss(id)
  take(roster, settings([of('a'), of('c')]))
  t.not(memberOf(roster, 'c').seat, seat)
  roster.free(seat)
  take(roster, settings([of('a'), of('c'), of('d')]))
  t.equal(memberOf(roster, 'd').seat, seat)
})

t.test('of thousands who sat on one seat each has an id of its own', async t => {
  const roster = createRoster()
  const ids = new Set<number>()
  const seats = new Set<number>()
  const times = 5_000
  take(roster, settings([]))
  for (let count = 0; count < times; count++) {
    take(roster, settings([of(`m${count}`)]))
    const master = memberOf(roster, `m${count}`)
    ids.add(master.id)
    seats.add(master.seat)
    if (!Number.isInteger(master.id) || master.id < 0 || master.id >= 2 ** 31) t.fail(`${master.id}`)
    take(roster, settings([]))
    seeOff(roster, master)
  }
  t.equal(seats.size, 1)
  t.equal(ids.size, times)
})

t.test('a proposal changes nothing, and the same question has the same answer', async t => {
  const roster = rosterOf([of('a'), of('b')])
  const [before, free] = [roster.current(), roster.freeSeats()]
  const wanted = settings([of('b', { weight: 7 }), of('c')], 'https://other:8140')
  const proposal = roster.propose(wanted)
  t.same(roster.propose(wanted), proposal)
  t.same(roster.current(), before)
  t.equal(roster.freeSeats(), free)
  const refused = roster.propose(settings([of('x')]))
  roster.adopt(proposal)
  t.not(memberOf(roster, 'c'), undefined)
  t.equal(memberOf(roster, 'x'), undefined, `${refused.joining[0]?.name} was asked about and no more`)
})

t.test('a CA at another URL is another one, on another seat; the old one is nobody’s member', async t => {
  const roster = rosterOf([of('a')])
  const { ca } = roster.current()
  const proposal = roster.propose(settings([of('a')], 'https://new-ca:8140'))
  t.match(proposal.joining, [{ name: 'ca', url: 'https://new-ca:8140' }])
  t.same(proposal.leaving, [ca])
  roster.adopt(proposal)
  const next = roster.current()
  t.not(next.ca.seat, ca.seat)
  t.same(
    next.masters.map(({ name }) => name),
    ['a']
  )
  take(roster, settings([of('a'), of('b')], 'https://new-ca:8140'))
  t.same(roster.current().ca, next.ca)
  t.not(memberOf(roster, 'b').seat, ca.seat, 'the seat of the old one is not free yet')
})

t.test('a CA and a master with one URL are two members: each is counted for itself', async t => {
  const roster = createRoster()
  take(roster, settings([of('a')], 'https://a:8140'))
  const { masters, ca } = roster.current()
  t.not(masters[0]?.seat, ca.seat)
})

t.test('when all seats are taken nobody can join, and all stays as it was', async t => {
  const full = Array.from({ length: seatCount - 1 }, (_, index) => of(`m${index}`))
  const roster = rosterOf(full)
  t.equal(roster.freeSeats(), 0)
  const before = roster.current()
  t.throws(() => roster.propose(settings([...full, of('new')])), NoSeatError)
  t.throws(() => roster.propose(settings(full, 'https://new-ca:8140')), NoSeatError)
  t.same(roster.current(), before)
  t.doesNotThrow(() => roster.propose(settings(full)), 'who sits already can stay')
  take(roster, settings(full.slice(1)))
  t.throws(() => roster.propose(settings([...full.slice(1), of('new')])), /1 that left still end their work/)
  seeOff(roster, memberOf(roster, 'm0'))
  t.doesNotThrow(() => roster.propose(settings([...full.slice(1), of('new')])))
})

t.test('as many masters as there may be can all be replaced at once, and the CA with them', async t => {
  const all = (kind: string) => Array.from({ length: maxMasters }, (_, index) => of(`${kind}${index}`))
  const roster = rosterOf(all('old'))
  t.doesNotThrow(() => take(roster, settings(all('new'), 'https://new-ca:8140')))
})

t.test('what operators want of a member is told with it, and it stays the same one', async t => {
  const roster = rosterOf([of('a')])
  const { id, seat } = memberOf(roster, 'a')
  for (const mode of ['draining', 'maint', 'active'] as const) {
    roster.adopt(roster.propose({ ...settings([]), masters: [{ ...of('a'), mode }] }))
    t.match(memberOf(roster, 'a'), { id, seat, mode })
  }
  roster.adopt(roster.propose({ ...settings([]), masters: [{ ...of('a'), mode: 'maint' }] }))
  take(roster, settings([]))
  t.match(memberOf(roster, 'a'), { id, mode: 'leaving' }, 'one that is named no more leaves, whatever it was')
})

import t from 'tap'
import { createEligibility, type Eligible, only, type Wish } from '../../src/balance/eligibility.ts'
import { toDefault } from '../../src/balance/routes.ts'
import { type Master, seatCount } from '../../src/model/master.ts'
import type { SeatMask } from '../../src/model/seat-mask.ts'
import { type Snapshot, tiersOf } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'

type Name = 'near' | 'close' | 'far' | 'leaving' | 'shaky' | 'gone'

/** Two of the best tier, one of the next, one that ends its runs, one that is doubted, one that nobody knows of. */
const pool = Object.fromEntries(
  masters({
    near: 1,
    close: 1,
    far: { priority: 1 },
    leaving: { mode: 'leaving' },
    shaky: 1,
    gone: 1
  }).map(master => [master.name, master])
) as Readonly<Record<Name, Master>>

const { near, close, far, leaving, shaky } = pool

function eligibilityOf(parts: Partial<Snapshot> = {}) {
  return createEligibility({
    version: 1,
    ca: near,
    isCaUp: true,
    masters: [near, close, far, leaving, shaky],
    tiers: tiersOf([far, near, close]),
    finishing: [leaving],
    doubted: [shaky],
    ...parts
  })
}

/** What a request may have, by names: the pinned master, then the candidates, then all that its mask has. */
function asked(
  { pinned, tried = [] }: { pinned?: Name; tried?: readonly Name[] },
  eligibility = eligibilityOf()
): string | undefined {
  const wish: Wish = {
    pinned: pinned === undefined ? -1 : pool[pinned].id,
    tried: tried.map(name => pool[name].id)
  }
  const eligible = eligibility.of(wish)
  return eligible && described(eligible)
}

function described({ pinned, candidates, mask }: Eligible): string {
  const first = pinned === undefined ? '' : `${pinned.name} first, `
  return `${first}[${candidates.map(({ name }) => name).join(' ')}] of ${seatsIn(mask)}`
}

function seatsIn(mask: SeatMask): string {
  const seats = Array.from({ length: seatCount }, (_, seat) => seat)
  return seats.filter(seat => ((mask[seat >> 5] as number) >> (seat & 31)) & 1).join(' ')
}

t.test('a request without a pin may have anybody of the best tier, and nobody else', async t => {
  t.equal(asked({}), '[near close] of 0 1')
  t.same(
    eligibilityOf()
      .poolFor(toDefault)
      .tier.map(({ name }) => name),
    ['near', 'close']
  )
})

t.test('a run stays on its master, and on nobody else, in whatever tier that is', async t => {
  t.equal(asked({ pinned: 'close' }), 'close first, [] of 1')
  t.equal(asked({ pinned: 'far' }), 'far first, [] of 2')
})

t.test('a run stays on a master that takes no new ones and ends its own', async t => {
  t.equal(asked({ pinned: 'leaving' }), 'leaving first, [] of 3')
})

t.test('a master that ends its runs is nobody else’s', async t => {
  t.equal(asked({ tried: ['near', 'close'] }), '[far] of 2')
  t.equal(asked({}, eligibilityOf({ tiers: [], doubted: [] })), undefined)
})

t.test('a run whose master is doubted keeps it if it has room, and otherwise has the best tier', async t => {
  t.equal(asked({ pinned: 'shaky' }), 'shaky first, [near close] of 0 1 4')
})

t.test('a run whose master is gone is as one without', async t => {
  t.equal(asked({ pinned: 'gone' }), '[near close] of 0 1')
})

t.test('who sits where another sat is not that one', async t => {
  const successor = { ...near, id: near.id + seatCount }
  const eligibility = eligibilityOf({ tiers: [[successor]] })
  t.match(eligibility.of({ pinned: near.id, tried: [] }), { pinned: undefined, candidates: [successor] })
  t.equal(eligibility.of({ pinned: successor.id, tried: [] })?.pinned, successor)
})

t.test('who was tried is out, pinned or not', async t => {
  t.equal(asked({ tried: ['near'] }), '[close] of 1')
  t.equal(asked({ pinned: 'near', tried: ['near'] }), '[close] of 1')
  t.equal(asked({ pinned: 'leaving', tried: ['leaving'] }), '[near close] of 0 1')
  t.equal(asked({ pinned: 'shaky', tried: ['shaky'] }), '[near close] of 0 1')
})

t.test('a run that tried others is still bound to its master', async t => {
  t.equal(asked({ pinned: 'close', tried: ['near', 'far'] }), 'close first, [] of 1')
})

t.test('the next tier serves when all of one were tried', async t => {
  t.equal(asked({ tried: ['near', 'close'] }), '[far] of 2')
  t.equal(asked({ tried: ['close', 'near', 'gone'] }), '[far] of 2')
})

t.test('doubted masters are the last resort', async t => {
  t.equal(asked({ tried: ['near', 'close', 'far'] }), '[shaky] of 4')
  t.equal(asked({ pinned: 'shaky', tried: ['near', 'close', 'far'] }), '[shaky] of 4')
  t.equal(asked({}, eligibilityOf({ tiers: [] })), '[shaky] of 4')
})

t.test('nobody is left when all were tried, or nobody serves', async t => {
  t.equal(asked({ tried: ['near', 'close', 'far', 'shaky'] }), undefined)
  t.equal(asked({}, eligibilityOf({ tiers: [], doubted: [] })), undefined)
  t.equal(asked({ tried: ['near'] }, eligibilityOf({ tiers: [], doubted: [] })), undefined)
  t.same(eligibilityOf({ tiers: [] }).poolFor(toDefault).tier, [])
})

t.test('a seat beyond the first word of the mask is in it', async t => {
  const last = { ...near, seat: seatCount - 1 }
  t.equal(seatsIn(only(last).mask), String(seatCount - 1))
  t.equal(seatsIn(only({ ...near, seat: 32 }).mask), '32')
})

t.test('what is asked for most is made once for all requests', async t => {
  const eligibility = eligibilityOf()
  t.equal(eligibility.of({ pinned: -1, tried: [] }), eligibility.of({ pinned: -1, tried: [] }))
  t.equal(eligibility.of({ pinned: near.id, tried: [] }), eligibility.of({ pinned: near.id, tried: [] }))
})

t.test('the last resort has no master that takes no new runs, but for the runs it has', async t => {
  for (const mode of ['draining', 'leaving'] as const) {
    const drained = { ...shaky, mode }
    const eligibility = eligibilityOf({ tiers: [], finishing: [], doubted: [drained] })
    t.equal(asked({}, eligibility), undefined)
    t.equal(asked({ tried: ['near'] }, eligibility), undefined)
  }
  const weightless = { ...shaky, weight: 0 }
  const both = eligibilityOf({ tiers: [], finishing: [], doubted: [weightless, close] })
  t.equal(asked({}, both), `[close] of ${close.seat}`)
  t.equal(asked({ pinned: 'shaky' }, both), `shaky first, [close] of ${close.seat} ${shaky.seat}`)
})

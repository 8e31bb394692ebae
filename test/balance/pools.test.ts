import t from 'tap'
import { createEligibility } from '../../src/balance/eligibility.ts'
import type { Goal } from '../../src/balance/routes.ts'
import type { Master } from '../../src/model/master.ts'
import { tiersOf } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'

const [a1, a2, b1, spare] = masters({ a1: 1, a2: 1, b1: 1, spare: 1 }).map((master, index) => ({
  ...master,
  pools: index < 2 ? ['a'] : index === 2 ? ['b'] : ['a', 'b'],
  priority: index === 3 ? 1 : 0
})) as unknown as [Master, Master, Master, Master]
const all = [a1, a2, b1, spare]
const toA: Goal = { pool: 'a', otherwise: undefined, route: 0 }
const toAOrB: Goal = { pool: 'a', otherwise: 'b', route: 1 }

/** Pools `a` and `b` of which these serve; of `ejected` it is only a guess that they fail. */
function eligibilityOf(
  serving: readonly Master[],
  { finishing = [], ejected = [] }: { finishing?: readonly Master[]; ejected?: readonly Master[] } = {}
) {
  const pool = (name: string, queue: number) => {
    const members = serving.filter(each => each.pools?.includes(name))
    const hoped = members.length > 0 ? members : ejected.filter(each => each.pools?.includes(name))
    return { name, queue, tiers: tiersOf(hoped), isUp: members.length > 0 }
  }
  return createEligibility({
    version: 1,
    ca: b1,
    isCaUp: true,
    masters: all,
    tiers: tiersOf(serving),
    pools: [pool('a', 1), pool('b', 2)],
    finishing,
    doubted: ejected
  })
}

const namesOf = (eligible: ReturnType<ReturnType<typeof eligibilityOf>['of']>) =>
  eligible && (eligible.pinned ? [eligible.pinned.name] : eligible.candidates.map(({ name }) => name))
const fresh = { pinned: -1, tried: [] }

t.test('a pool has its own tiers, and what it has not tried of them', async t => {
  const { of, poolFor } = eligibilityOf(all)
  t.same(namesOf(of({ ...fresh, goal: toA })), ['a1', 'a2'])
  t.same(namesOf(of({ pinned: -1, tried: [a1.id, a2.id], goal: toA })), ['spare'])
  t.equal(of({ pinned: -1, tried: [a1.id, a2.id, spare.id], goal: toA }), undefined)
  t.same([poolFor(toA).name, poolFor(toA).queue], ['a', 1])
})

t.test('a pin counts in the pool of the goal alone, and a master that ends its runs keeps those', async t => {
  const { of } = eligibilityOf([a1, b1], { finishing: [a2] })
  t.same(namesOf(of({ pinned: a2.id, tried: [], goal: toA })), ['a2'])
  t.same(namesOf(of({ pinned: b1.id, tried: [], goal: toA })), ['a1'])
})

t.test(
  'the other pool serves while nobody of the first is up, and after all of it has failed a request',
  async t => {
    t.same(namesOf(eligibilityOf([b1]).of({ ...fresh, goal: toAOrB })), ['b1'])
    t.equal(eligibilityOf([b1]).poolFor(toAOrB).queue, 2)
    t.equal(eligibilityOf([b1]).of({ ...fresh, goal: toA }), undefined)
    t.same(
      namesOf(eligibilityOf([b1], { ejected: [a1] }).of({ ...fresh, goal: toAOrB })),
      ['b1'],
      'a guess is not up'
    )
    t.same(
      namesOf(eligibilityOf([], { ejected: [a1] }).of({ ...fresh, goal: toAOrB })),
      ['a1'],
      'but better than nobody'
    )
    t.same(namesOf(eligibilityOf([a1, b1]).of({ pinned: -1, tried: [a1.id], goal: toAOrB })), ['b1'])
    t.equal(eligibilityOf([]).poolFor(toAOrB).queue, 1, 'and while nobody is, requests wait for the first')
  }
)

t.test('a run that began in the other pool ends there', async t => {
  const { of } = eligibilityOf(all)
  t.same(namesOf(of({ pinned: b1.id, tried: [], goal: toAOrB })), ['b1'])
  t.same(namesOf(of({ pinned: b1.id, tried: [b1.id], goal: toAOrB })), ['a1', 'a2'])
})

import t from 'tap'
import { createPoolNumbers } from '../../src/control/pool-numbers.ts'
import { idlePools, poolSnapshots } from '../../src/control/serving.ts'
import { masters } from '../support/masters.ts'

const known = { stateOf: () => 'up' as const, accepts: () => true }

t.test('a pool that is named has a queue of its own although nobody is known of it yet', async t => {
  const members = masters({ a: 1 })
  const named = [{}, { pools: ['dmz'] }]
  const pools = poolSnapshots(members, members, createPoolNumbers(), known, named)
  t.match(pools, [
    { name: 'default', queue: 0, isUp: true },
    { name: 'dmz', queue: 1, tiers: [], isUp: false }
  ])
  t.same(idlePools({ tiers: [members], pools }), ['no master of the pool dmz'])
})

t.test('where all that is named is in the default pool there are none', async t => {
  const members = masters({ a: 1 })
  t.equal(poolSnapshots(members, members, createPoolNumbers(), known, [{}]), undefined)
})

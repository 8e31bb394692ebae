import t from 'tap'
import type { Policy } from '../../src/balance/policy.ts'
import { roundRobin } from '../../src/balance/round-robin.ts'
import type { Master } from '../../src/model/master.ts'
import { masters } from '../support/masters.ts'
import { newTurns, turnsOf } from './turns.ts'

const choice = { key: '' }

/** The policy in one worker; workers that are given the same turns share them. */
function policyOf(turns?: Parameters<typeof turnsOf>[0]): Policy {
  return roundRobin({ busyness: () => 0, random: () => 0, nextTurn: turnsOf(turns) })
}

/** The names of those whose turn it is, one after the other. */
function take(policy: Policy, pool: readonly Master[], count: number): string {
  return Array.from({ length: count }, () => policy(pool, choice)?.name).join(' ')
}

t.test('turns are spread out, not bunched: 5 1 1 becomes a a b a c a a', async t => {
  t.equal(take(policyOf(), masters({ a: 5, b: 1, c: 1 }), 7), 'a a b a c a a')
})

t.test('75 to 25 comes out as three turns to one in every four', async t => {
  t.equal(take(policyOf(), masters({ a: 75, b: 25 }), 8), 'a a b a a a b a')
})

t.test('a master that cannot take a request gives its turn to the next', async t => {
  const [, b, c] = masters({ a: 1, b: 1, c: 1 }) as [Master, Master, Master]
  t.equal(take(policyOf(), [b, c], 4), 'b c b c')
})

t.test('who alone is left is taken without using up a turn', async t => {
  const pool = masters({ a: 1, b: 1 })
  const policy = policyOf()
  t.equal(take(policy, pool.slice(1), 5), 'b b b b b')
  t.equal(take(policy, pool, 4), 'a b a b')
})

t.test('the largest weights that share nothing still get exactly their shares', async t => {
  const pool = masters({ a: 1000, b: 999, c: 997 })
  const count = new Map<string, number>()
  const policy = policyOf()
  for (let turn = 0; turn < 2996; turn++) {
    const name = policy(pool, choice)?.name ?? ''
    count.set(name, (count.get(name) ?? 0) + 1)
  }
  t.same(Object.fromEntries(count), { a: 1000, b: 999, c: 997 })
})

t.test('two workers take turns out of one row', async t => {
  const shared = newTurns(2)
  const [one, two] = [0, 1].map(worker => policyOf({ workers: 2, worker, shared })) as [Policy, Policy]
  const pool = masters({ a: 3, b: 1 })
  const row = [one, two, one, two, two, two, one, one].map(policy => policy(pool, choice)?.name)
  t.equal(row.join(' '), 'a a b a a a b a')
})

t.test('the row goes on when a master joins or its weight changes', async t => {
  const policy = policyOf()
  t.equal(take(policy, masters({ a: 1, b: 1 }), 1), 'a')
  t.equal(take(policy, masters({ a: 2, b: 2 }), 1), 'b', 'it does not begin anew with a')
  const row = take(policy, masters({ a: 2, b: 2, c: 2 }), 9).split(' ')
  for (const name of ['a', 'b', 'c']) t.equal(row.filter(each => each === name).length, 3, name)
})

import t from 'tap'
import { leastLoaded } from '../../src/balance/least-loaded.ts'
import { orderOf } from '../../src/balance/policy.ts'
import type { Master } from '../../src/model/master.ts'
import { masters } from '../support/masters.ts'
import { seededDice } from '../support/runtime.ts'

const choice = { key: 'agent' }
const names = (order: readonly Master[]) => order.map(master => master.name)
const nextTurn = () => 0

/** The policy when masters are as busy as said; those that are not named are idle. */
function policyOf(busy: Readonly<Record<string, number>>) {
  return leastLoaded({ busyness: ({ name }) => busy[name] ?? 0, random: seededDice(1), nextTurn })
}

t.test('the master with the fewest open requests goes first', async t => {
  const policy = policyOf({ busy: 7, some: 3 })
  t.same(names(orderOf(policy, masters({ busy: 1, idle: 1, some: 1 }), choice)), ['idle', 'some', 'busy'])
})

t.test('twice the weight stands for twice the open requests', async t => {
  const policy = policyOf({ big: 5, small: 3 })
  t.same(names(orderOf(policy, masters({ big: 2, small: 1 }), choice)), ['big', 'small'])
})

t.test('requests that stay open settle in proportion to the weights', async t => {
  const open = [0, 0, 0]
  const pool = masters({ a: 4, b: 4, c: 8 })
  const busyness = ({ seat }: Master) => open[seat] as number
  const policy = leastLoaded({ busyness, random: seededDice(3), nextTurn })
  for (let count = 0; count < 160; count++) {
    const { seat } = policy(pool, choice) as Master
    open[seat] = (open[seat] as number) + 1
  }
  t.same(open, [40, 40, 80])
})

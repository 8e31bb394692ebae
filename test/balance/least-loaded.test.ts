import t from 'tap'
import { leastLoaded } from '../../src/balance/least-loaded.ts'
import { orderOf } from '../../src/balance/policy.ts'
import type { Master } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'
import { seededDice } from '../support/runtime.ts'

const choice = { key: 'agent', ticket: 0 }
const names = (order: readonly Master[]) => order.map(master => master.name)

t.test('the master with the fewest open requests goes first', async t => {
  const load = new Map([
    ['busy', 7],
    ['idle', 0],
    ['some', 3]
  ])
  const policy = leastLoaded({ load: master => load.get(master.name) ?? 0, random: seededDice(1) })
  t.same(names(orderOf(policy, [masters({ busy: 1, idle: 1, some: 1 })], choice)), ['idle', 'some', 'busy'])
})

t.test('twice the weight stands for twice the open requests', async t => {
  const load = new Map([
    ['big', 5],
    ['small', 3]
  ])
  const policy = leastLoaded({ load: master => load.get(master.name) ?? 0, random: seededDice(1) })
  t.same(names(orderOf(policy, [masters({ big: 2, small: 1 })], choice)), ['big', 'small'])
})

t.test('requests that stay open settle in proportion to the weights', async t => {
  const open = [0, 0, 0]
  const pool = masters({ a: 4, b: 4, c: 8 })
  const policy = leastLoaded({ load: master => open[master.index] as number, random: seededDice(3) })
  for (let count = 0; count < 160; count++) {
    const master = policy(pool, choice, []) as Master
    open[master.index] = (open[master.index] as number) + 1
  }
  t.same(open, [40, 40, 80])
})

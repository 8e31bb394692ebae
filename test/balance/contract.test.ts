import t from 'tap'
import { orderOf } from '../../src/balance/policy.ts'
import { policies } from '../../src/balance/registry.ts'
import { policyNames } from '../../src/model/settings.ts'
import { masters } from '../support/masters.ts'
import { seededDice } from '../support/runtime.ts'
import { turnsOf } from './turns.ts'

const REQUESTS = 20_000

for (const name of policyNames) {
  const policy = () => policies[name]({ busyness: () => 0, random: seededDice(7), nextTurn: turnsOf() })

  t.test(`${name}: every candidate stands in the order once`, async t => {
    const order = orderOf(policy(), masters({ a: 3, b: 2, c: 1 }), { key: 'agent' })
    t.same(order.map(master => master.name).sort(), ['a', 'b', 'c'])
  })

  t.test(`${name}: nobody to choose from gives nobody`, async t => {
    t.equal(policy()([], { key: 'agent' }), undefined)
  })

  t.test(`${name}: a sole candidate is taken, whatever its weight`, async t => {
    const sole = masters({ sole: 1000 })
    t.equal(policy()(sole, { key: 'agent' }), sole[0])
  })

  t.test(`${name}: idle masters share new agents 75 to 25 by weight`, async t => {
    const pick = policy()
    const pool = masters({ heavy: 75, light: 25 })
    let heavy = 0
    for (let count = 0; count < REQUESTS; count++) {
      if (pick(pool, { key: `agent-${count}` })?.name === 'heavy') heavy++
    }
    t.ok(Math.abs(heavy / REQUESTS - 0.75) < 0.01, `heavy got ${heavy} of ${REQUESTS}`)
  })
}

import t from 'tap'
import { choose, orderOf } from '../../src/balance/policy.ts'
import { policies } from '../../src/balance/registry.ts'
import { policyNames } from '../../src/model/settings.ts'
import { type Master, tiersOf } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'
import { seededDice } from '../support/runtime.ts'

const REQUESTS = 20_000

for (const name of policyNames) {
  const policy = (load: (master: Master) => number = () => 0) =>
    policies[name]({ load, random: seededDice(7) })
  const tiers = (...args: Parameters<typeof masters>) => tiersOf(masters(...args), () => true)

  t.test(`${name}: every candidate stands in the order once`, async t => {
    const order = orderOf(policy(), tiers({ a: 3, b: 2, c: 1 }), { key: 'agent', ticket: 5 })
    t.same(order.map(master => master.name).sort(), ['a', 'b', 'c'])
  })

  t.test(`${name}: nobody to choose from gives nobody`, async t => {
    t.equal(choose(policy(), [], { key: 'agent', ticket: 0 }, []), undefined)
    t.equal(choose(policy(), tiers({ a: 1 }), { key: 'agent', ticket: 0 }, [0]), undefined)
  })

  t.test(`${name}: a second tier comes after all of the first`, async t => {
    const order = orderOf(policy(), tiers({ far: { priority: 1, weight: 100 }, near: 1, nearby: 1 }), {
      key: 'agent',
      ticket: 3
    })
    t.equal(order.at(-1)?.name, 'far')
    t.equal(order.length, 3)
  })

  t.test(`${name}: weight 0 takes no new work`, async t => {
    const order = orderOf(policy(), tiers({ a: 1, resting: 0 }), { key: 'agent', ticket: 0 })
    t.same(
      order.map(master => master.name),
      ['a']
    )
  })

  t.test(`${name}: idle masters share new agents 75 to 25 by weight`, async t => {
    const pick = policy()
    const pool = tiers({ heavy: 75, light: 25 })
    let heavy = 0
    for (let ticket = 0; ticket < REQUESTS; ticket++) {
      if (choose(pick, pool, { key: `agent-${ticket}`, ticket }, [])?.name === 'heavy') heavy++
    }
    t.ok(Math.abs(heavy / REQUESTS - 0.75) < 0.01, `heavy got ${heavy} of ${REQUESTS}`)
  })
}

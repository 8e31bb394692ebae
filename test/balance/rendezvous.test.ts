import t from 'tap'
import { rendezvous } from '../../src/balance/rendezvous.ts'
import { masters } from '../support/masters.ts'

const policy = rendezvous({ load: () => 0, random: () => 0 })
const keys = Array.from({ length: 4000 }, (_, index) => `agent-${index}.example.com`)

t.test('the same certname meets the same master every time', async t => {
  const pool = masters({ a: 1, b: 1, c: 1 })
  for (const key of keys.slice(0, 50)) {
    const first = policy(pool, { key, ticket: 0 }, [])
    t.equal(policy([...pool].reverse(), { key, ticket: 9 }, []), first)
  }
})

t.test('when a master leaves, only its own certnames move', async t => {
  const pool = masters({ a: 1, b: 1, c: 1, d: 1 })
  const without = pool.filter(master => master.name !== 'c')
  const moved = keys.filter(key => {
    const before = policy(pool, { key, ticket: 0 }, [])
    return before?.name !== 'c' && policy(without, { key, ticket: 0 }, []) !== before
  })
  t.same(moved, [])
})

t.test('certnames that differ in the last digit only are spread evenly', async t => {
  const pool = masters({ a: 1, b: 1, c: 1, d: 1 })
  const count = new Map<string, number>()
  for (const key of keys) {
    const name = policy(pool, { key, ticket: 0 }, [])?.name ?? ''
    count.set(name, (count.get(name) ?? 0) + 1)
  }
  for (const [name, got] of count) t.ok(Math.abs(got - 1000) < 120, `${name} got ${got} of 4000`)
})

import t from 'tap'
import { byRendezvous } from '../../src/balance/rendezvous.ts'
import { masters } from '../support/masters.ts'

const keys = Array.from({ length: 4000 }, (_, index) => `agent-${index}.example.com`)

t.test('the same certname meets the same master every time', async t => {
  const pool = masters({ a: 1, b: 1, c: 1 })
  for (const key of keys.slice(0, 50)) {
    t.equal(byRendezvous([...pool].reverse(), { key }), byRendezvous(pool, { key }))
  }
})

t.test('a certname keeps its master when that sits on another seat after a restart', async t => {
  const pool = masters({ a: 1, b: 1, c: 1 })
  const seatedAnew = masters({ c: 1, a: 1, b: 1 })
  for (const key of keys.slice(0, 50)) {
    t.equal(byRendezvous(seatedAnew, { key })?.name, byRendezvous(pool, { key })?.name)
  }
})

t.test('when a master leaves, only its own certnames move', async t => {
  const pool = masters({ a: 1, b: 1, c: 1, d: 1 })
  const without = pool.filter(master => master.name !== 'c')
  const moved = keys.filter(key => {
    const before = byRendezvous(pool, { key })
    return before?.name !== 'c' && byRendezvous(without, { key }) !== before
  })
  t.same(moved, [])
})

t.test('certnames that differ in the last digit only are spread evenly', async t => {
  const pool = masters({ a: 1, b: 1, c: 1, d: 1 })
  const count = new Map<string, number>()
  for (const key of keys) {
    const name = byRendezvous(pool, { key })?.name ?? ''
    count.set(name, (count.get(name) ?? 0) + 1)
  }
  for (const [name, got] of count) t.ok(Math.abs(got - 1000) < 120, `${name} got ${got} of 4000`)
})

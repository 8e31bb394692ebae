import t from 'tap'
import { roundRobin } from '../../src/balance/round-robin.ts'
import { masters } from '../support/masters.ts'

const world = { load: () => 0, random: () => 0 }
const turns = (pool: ReturnType<typeof masters>, count: number, tried: number[] = []) => {
  const policy = roundRobin(world)
  return Array.from({ length: count }, (_, ticket) => policy(pool, { key: '', ticket }, tried)?.name).join(
    ' '
  )
}

t.test('turns are spread out, not bunched: 5 1 1 becomes a a b a c a a', async t => {
  t.equal(turns(masters({ a: 5, b: 1, c: 1 }), 7), 'a a b a c a a')
})

t.test('75 to 25 comes out as three turns to one in every four', async t => {
  t.equal(turns(masters({ a: 75, b: 25 }), 8), 'a a b a a a b a')
})

t.test('a master already tried gives its turn to the next', async t => {
  t.equal(turns(masters({ a: 1, b: 1, c: 1 }), 3, [0]), 'b b c')
})

t.test('the largest weights that share nothing still make a cycle', async t => {
  const pool = masters({ a: 1000, b: 999, c: 997 })
  const count = new Map<string, number>()
  const policy = roundRobin(world)
  for (let ticket = 0; ticket < 2996; ticket++) {
    const name = policy(pool, { key: '', ticket }, [])?.name ?? ''
    count.set(name, (count.get(name) ?? 0) + 1)
  }
  t.same(Object.fromEntries(count), { a: 1000, b: 999, c: 997 })
})

t.test('the ticket may wrap around without losing a turn', async t => {
  const policy = roundRobin(world)
  const pool = masters({ a: 1, b: 1 })
  t.equal(policy(pool, { key: '', ticket: 2 ** 32 - 1 }, [])?.name, 'b')
  t.equal(policy(pool, { key: '', ticket: 0 }, [])?.name, 'a')
})

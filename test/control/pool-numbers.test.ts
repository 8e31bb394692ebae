import t from 'tap'
import { createPoolNumbers } from '../../src/control/pool-numbers.ts'

t.test('a pool keeps its number while others come and go, and afterwards', async t => {
  const numbers = createPoolNumbers()
  t.same(
    [...numbers.of(['default', 'a', 'b'])],
    [
      ['default', 0],
      ['a', 1],
      ['b', 2]
    ]
  )
  t.same(
    [...numbers.of(['b', 'c'])],
    [
      ['b', 2],
      ['c', 3]
    ]
  )
  t.same([...numbers.of(['a'])], [['a', 1]])
})

t.test(
  'when all numbers were given, that of the pool is given anew which has been gone for longest',
  async t => {
    const numbers = createPoolNumbers()
    const eight = (from: number) => Array.from({ length: 8 }, (_, index) => `p${from + index}`)
    numbers.of(eight(0))
    numbers.of(['p0'])
    const second = numbers.of(['p0', ...eight(8).slice(0, 7)])
    t.equal(new Set(second.values()).size, 8)
    const third = numbers.of(['p0', 'new'])
    t.same([third.get('p0'), third.get('new')], [1, 2], 'p1 was gone before the others')
  }
)

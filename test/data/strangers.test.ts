import t from 'tap'
import { createStrangers } from '../../src/data/accept/strangers.ts'

const [a, b, c] = [{ address: 1 }, { address: 2 }, { address: 1 }] as const

t.test('the one that fell idle first is the oldest, of all and of an address', async t => {
  const strangers = createStrangers()
  t.equal(strangers.oldest(), undefined)
  for (const each of [a, b, c]) strangers.add(each)
  strangers.add(a)
  t.equal(strangers.size(), 3, 'who is there already keeps its place')
  t.equal(strangers.oldest(), a)
  t.equal(strangers.oldest(2), b)
  strangers.delete(a)
  t.equal(strangers.oldest(), b)
  t.equal(strangers.oldest(1), c)
  strangers.add(a)
  t.equal(strangers.oldest(1), c, 'who comes again is the youngest')
})

t.test('nothing is left of those that have gone', async t => {
  const strangers = createStrangers()
  for (const each of [a, b, c]) strangers.add(each)
  for (const each of [a, b, c, a]) strangers.delete(each)
  t.equal(strangers.size(), 0)
  t.equal(strangers.oldest(1), undefined)
})

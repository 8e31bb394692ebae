import t from 'tap'
import { lowestMedian, median, ratiosOf, showRatio, shuffle, spreadOf } from '../bench/statistics.ts'
import { seededDice } from '../support/runtime.ts'

t.test('the median is the middle value, whatever the order', async t => {
  t.equal(median([9, 1, 5]), 5)
})

t.test('the median of an even number of values lies between the two in the middle', async t => {
  t.equal(median([4, 1, 2, 100]), 3)
})

t.test('values sort as numbers, not as text', async t => {
  t.equal(median([10, 9, 100]), 10)
})

t.test('no values have no median', async t => {
  t.throws(() => median([]), { message: 'no values, no median' })
})

t.test('a spread names the extremes beside the median', async t => {
  t.same(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 })
})

t.test('ratios compare what was measured in the same round', async t => {
  t.same(ratiosOf([10, 40], [5, 10]), [2, 4])
})

t.test('rounds that do not match are not compared', async t => {
  t.throws(() => ratiosOf([1, 2], [1]), { message: '2 rounds against 1' })
})

t.test('the same seed gives the same order, another seed another', async t => {
  const items = Array.from({ length: 20 }, (_, index) => index)
  t.same(shuffle(items, seededDice(7)), shuffle(items, seededDice(7)))
  t.notSame(shuffle(items, seededDice(7)), shuffle(items, seededDice(8)))
})

t.test('a shuffle loses nothing and leaves its input alone', async t => {
  const items = ['haproxy', 'nginx', 'puppet-lb']
  const shuffled = shuffle(items, seededDice(1))
  t.same(shuffled.toSorted(), items)
  t.same(items, ['haproxy', 'nginx', 'puppet-lb'])
})

t.test('every order of three comes up about equally often', async t => {
  const random = seededDice(42)
  const seen = new Map<string, number>()
  for (let round = 0; round < 6000; round++) {
    const order = shuffle(['a', 'b', 'c'], random).join('')
    seen.set(order, (seen.get(order) ?? 0) + 1)
  }
  t.equal(seen.size, 6)
  for (const [order, count] of seen) t.ok(count > 850 && count < 1150, `${order}: ${count} of about 1000`)
})

t.test('the lowest median wins, not the lowest value, and the first of equals', async t => {
  const values: [string, number[]][] = [
    ['lucky', [1, 9, 9]],
    ['steady', [4, 4, 4]],
    ['same', [4, 4, 4]]
  ]
  t.equal(lowestMedian(values), 'steady')
  t.equal(lowestMedian([]), undefined)
})

t.test('a ratio is shown with its range, if it has one', async t => {
  t.equal(showRatio({ median: 0.85, min: 0.8, max: 0.921 }), '0.85 × [0.80–0.92]')
  t.equal(showRatio({ median: 2, min: 2, max: 2 }), '2.00 ×')
})

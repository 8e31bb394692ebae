import t from 'tap'
import { seatCount } from '../../src/model/master.ts'
import { compileTimeBuckets, createCompileTimes, quantileMs } from '../../src/shared/compile-times.ts'

t.test('a quantile is told within a tenth, from a hundredth of a second to ten minutes', async t => {
  for (const tookMs of [20, 75, 400, 3_333, 61_000, 599_000]) {
    const times = createCompileTimes()
    for (let count = 0; count < 100; count++) times.add(3, tookMs)
    const told = quantileMs(times.counts(3), 0.5) as number
    t.ok(Math.abs(told / tookMs - 1) <= 0.1, `${told} ms of ${tookMs} ms`)
  }
})

t.test('the p99 is that of the slowest hundredth, the p50 that of the middle', async t => {
  const times = createCompileTimes()
  for (let count = 0; count < 980; count++) times.add(0, 500)
  for (let count = 0; count < 20; count++) times.add(0, 20_000)
  t.ok(Math.abs((quantileMs(times.counts(0), 0.5) as number) / 500 - 1) < 0.1)
  t.ok(Math.abs((quantileMs(times.counts(0), 0.99) as number) / 20_000 - 1) < 0.1)
})

t.test('nothing was counted: there is no quantile', async t => {
  t.equal(quantileMs(createCompileTimes().counts(0), 0.5), undefined)
})

t.test('times beyond all sense are counted at the ends', async t => {
  const times = createCompileTimes()
  for (const tookMs of [0, -5, 1e12]) times.add(1, tookMs)
  const counts = times.counts(1)
  t.same([counts[0], counts[compileTimeBuckets - 1]], [2, 1])
})

t.test('a seat that is reset knows nothing, and its neighbours keep what they have', async t => {
  const times = createCompileTimes()
  const shared = createCompileTimes(times.buffer)
  for (const seat of [4, 5, 6, seatCount - 1]) shared.add(seat, 1_000)
  times.reset(5)
  const sums = [4, 5, 6, seatCount - 1].map(seat => times.counts(seat).reduce((sum, each) => sum + each, 0))
  t.same(sums, [1, 0, 1, 1])
})

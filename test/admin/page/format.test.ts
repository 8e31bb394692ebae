import t from 'tap'
import { count, percent, seconds, whenEnds } from '../../../src/admin/page/view/format.js'

t.test('shares, times, dates and counts read as people write them', async t => {
  t.same([null, 0, 0.0004, 0.012, 0.5, 1].map(percent), ['–', '0 %', '< 0.1 %', '1.2 %', '50 %', '100 %'])
  t.same([12.4, 999, 1_500, 61_000].map(seconds), ['12 ms', '999 ms', '1.5 s', '61 s'])
  t.same(
    [count(1, 'run'), count(1_234_567, 'run'), count(2, 'JRuby', 'JRubies')],
    ['1 run', '1,234,567 runs', '2 JRubies']
  )
  const now = '2026-01-01T12:00:00.000Z'
  t.same(
    ['2026-01-01T11:59:59.000Z', '2026-01-01T23:00:00.000Z', '2026-01-03T13:00:00.000Z'].map(date =>
      whenEnds(now, date)
    ),
    ['has ended', 'ends today', 'in 2 days']
  )
})

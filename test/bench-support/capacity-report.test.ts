import t from 'tap'
import { duringOf, furthestApart } from '../bench/capacity-report.ts'
import type { Told } from '../bench/capacity-watch.ts'

const told = (utilization: number, worked: number, minutes = 1) =>
  ({ pool: { utilization, minutes }, worked }) as Told

t.test('what was told is held against what was so, whichever is more', async t => {
  t.equal(furthestApart([]), 0)
  t.equal(furthestApart([told(0.5, 0.49), told(0.5, 0.53)]).toFixed(1), '3.0')
})

t.test('of a load the minutes before it do not count', async t => {
  t.equal(duringOf([told(0.5, 0.5)]), undefined)
  const { told: said = 0, worked = 0 } = duringOf([told(0.5, 0.48, 8), told(0.7, 0.68, 16)]) ?? {}
  t.same([said.toFixed(3), worked.toFixed(3)], ['0.900', '0.880'])
})

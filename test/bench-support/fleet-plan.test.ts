import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import {
  capacityOf,
  fileRequests,
  fleets,
  planRuns,
  pluginRequests,
  runsPerSecond
} from '../bench/fleet-plan.ts'

const load = { fleet: 'equal', rho: 0.9, runs: 400, seed: 1, compression: 10 } as const
const workOf = (runs: ReturnType<typeof planRuns>) =>
  runs.flatMap(({ serviceMs }) => serviceMs).reduce((sum, ms) => sum + ms, 0)

t.test('the same seed plans the same runs, another seed others', async t => {
  t.ok(isDeepStrictEqual(planRuns(load), planRuns(load)))
  t.notOk(isDeepStrictEqual(planRuns(load), planRuns({ ...load, seed: 2 })))
})

for (const fleet of ['equal', 'unequal'] as const) {
  t.test(
    `the work that is planned is the share of what ${fleet} masters can do that was asked for`,
    async t => {
      const runs = planRuns({ ...load, fleet })
      const untilMs = runs.at(-1)?.atMs as number
      t.ok(Math.abs(workOf(runs) / (capacityOf(fleet) * untilMs) - 0.9) < 1e-9)
    }
  )
}

t.test('what a fleet can do counts JRubies by their speed', async t => {
  t.equal(capacityOf('equal'), 16)
  t.equal(capacityOf('unequal'), 18)
  t.equal(fleets.unequal.length, 4)
})

t.test('a run asks for plugins, a catalog, files and a report', async t => {
  const lengths = new Set(planRuns(load).map(({ serviceMs }) => serviceMs.length))
  t.same([...lengths], [pluginRequests + 1 + fileRequests + 1])
})

t.test('runs begin one after the other, at about the rate that is told beforehand', async t => {
  const runs = planRuns({ ...load, runs: 4000 })
  const times = runs.map(({ atMs }) => atMs)
  t.same(
    times,
    times.toSorted((a, b) => a - b)
  )
  const rate = (runs.length / (times.at(-1) as number)) * 1000
  t.ok(Math.abs(rate / runsPerSecond(load) - 1) < 0.1, `${rate} a second`)
})

t.test('compression shortens everything alike', async t => {
  const slow = planRuns({ ...load, compression: 1 })
  const quick = planRuns(load)
  t.ok(Math.abs(workOf(slow) / workOf(quick) - 10) < 1e-6)
  t.ok(Math.abs((slow.at(-1)?.atMs as number) / (quick.at(-1)?.atMs as number) - 10) < 1e-6)
})

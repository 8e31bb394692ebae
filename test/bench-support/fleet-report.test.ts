import t from 'tap'
import { fleetChart } from '../bench/fleet-chart.ts'
import type { FleetSummary } from '../bench/fleet-figures.ts'
import { fleetTables } from '../bench/fleet-report.ts'

const spread = (median: number) => ({ median, min: median / 2, max: median * 2 })
const times = (median: number) => ({
  runP50: spread(median),
  runP99: spread(median * 3),
  catalogWaitP99: spread(median / 4),
  lightWaitP99: spread(median / 8)
})
const measurement = {
  proxy: 'puppet-lb',
  fleet: 'equal',
  rho: 0.9,
  runs: 100,
  seed: 2,
  compression: 10,
  kill: false,
  cpu: { masters: 0.1, agents: 0.2, proxy: 0.3, others: 0.4, timerLag99Ms: 1.5 },
  figures: {
    runP50: 16,
    runP99: 48,
    catalogWaitP99: 4,
    lightWaitP99: 2,
    failed: 1,
    lostReports: 0,
    mixed: 0,
    serviceMean: 10,
    busy: 0.9,
    overheadMs: 1,
    failures: { 'catalog: status 502': 1 }
  }
} as const
const summary: FleetSummary = {
  proxy: 'puppet-lb',
  balancers: 1,
  title: 'equal masters, load 0.9',
  times: times(16),
  ratios: { runP50: spread(0.8) },
  failed: 1,
  lostReports: 0,
  mixed: spread(0.5),
  measurements: [measurement, { ...measurement, seed: 1 }]
}

t.test('a table tells times, ratios with their spread, and why runs failed', async t => {
  const text = fleetTables([summary])
  t.match(text, '## Equal masters, load 0.9')
  t.match(text, '100 agent runs a measurement, 10 times as fast as Puppet, seeds 1, 2.')
  t.match(text, '| puppet-lb | 16.0 (0.80 × [0.40–1.60]) | 48.0 | 4.00 | 2.00 | 1 | 0 | 50.0 % |')
  t.match(text, '- puppet-lb: 2 failed by catalog: status 502')
})

t.test('a chart has a bar and a number for each proxy and time', async t => {
  const svg = fleetChart([summary, { ...summary, proxy: 'nginx', times: times(32) }])
  t.match(svg, /^<svg [\s\S]*<\/svg>\n$/)
  for (const text of ['>puppet-lb<', '>nginx least_conn<', '>16<', '>96<', '>4<', 'equal masters, load 0.9'])
    t.match(svg, text)
})

import t from 'tap'
import { fleetChart } from '../bench/fleet-chart.ts'
import { fleetOverview, fleetTables, peerLines } from '../bench/fleet-report.ts'
import { summariesOf } from '../bench/fleet-summary.ts'
import { fleetMeasurement } from './fleet-measurement.ts'

const ours = fleetMeasurement({ figures: { failed: 1, failures: { 'catalog: status 502': 1 } } })
const priority = fleetMeasurement({
  proxy: 'haproxy-priority',
  version: '3.0',
  figures: { runP99: 40, lightWaitP99: 1, mixed: 0.95, crowded: 0.25 }
})
const expert = fleetMeasurement({
  proxy: 'haproxy-expert',
  version: '3.0',
  figures: { runP99: 60, lightWaitP99: 2.5, failed: 3 }
})
const summaries = summariesOf([ours, fleetMeasurement({ seed: 2 }), expert, priority])

t.test('the overview names the best peer of each time, and the best that mixes no runs', async t => {
  const text = fleetOverview(summaries)
  t.match(
    text,
    '| equal masters, load 0.9 | run p99, s | 48.0 | HAProxy priority, no stick table | 40.0 | 1.20 × ' +
      '| HAProxy expert: priority, stick table | 60.0 | 0.80 × |'
  )
  t.match(text, '| light wait p99, s | 2.00 | HAProxy priority, no stick table | 1.00 | 2.00 × |')
  t.match(
    text,
    '| runs failed | 1 | HAProxy priority, no stick table | 0 |  | HAProxy expert: priority, stick table | 3 |'
  )
})

t.test(
  'the overview says so when no peer keeps its runs whole, and leaves out what was not ours',
  async t => {
    t.match(fleetOverview(summariesOf([ours, priority])), /\| run p99, s \|.*\| none \| {2}\| {2}\|$/m)
    t.notMatch(fleetOverview(summariesOf([priority])), 'run p99')
  }
)

t.test('who was not measured is named', async t => {
  t.match(peerLines(summaries), [
    '- puppet-lb: 1.0',
    '- HAProxy expert: priority, stick table: 3.0',
    '- HAProxy expert, catalogs choose anew: not measured',
    '- HAProxy priority, no stick table: 3.0',
    '- HAProxy leastconn, maxconn = JRubies: not measured'
  ])
})

t.test('a table tells times as multiples of the best peer, and why runs failed', async t => {
  const text = fleetTables(summaries)
  t.match(text, '## Equal masters, load 0.9')
  t.match(text, '100 agent runs a measurement, 10 times as fast as Puppet, seeds 1, 2.')
  t.match(
    text,
    '| puppet-lb | 16.0 (1.00 ×) | 48.0 (1.20 ×) | 4.00 (1.00 ×) | 2.00 (2.00 ×) | 1 | 0 | 0.0 % | 0.0 % |'
  )
  t.match(
    text,
    /\| HAProxy priority, no stick table \|.*\*\*40.0\*\*.*\*\*1.00\*\* \| 0 \| 0 \| 95.0 % \| 25.0 % \|/
  )
  t.match(text, '- puppet-lb: 1 failed by catalog: status 502')
})

t.test('several balancers are compared with one alone', async t => {
  const two = fleetMeasurement({ balancers: 2, figures: { runP99: 72 } })
  t.match(
    fleetTables(summariesOf([ours, two, priority])),
    '| 2 × puppet-lb | 16.0 (1.00 ×) | 72.0 (1.50 ×) |'
  )
})

t.test('a chart has a bar and a number for each proxy and time, and names the best peer', async t => {
  const svg = fleetChart(summaries)
  t.match(svg, /^<svg [\s\S]*<\/svg>\n$/)
  for (const text of [
    '>puppet-lb<',
    '>HAProxy priority, no stick table<',
    '>48<',
    '>60<',
    '>40, best peer<'
  ]) {
    t.match(svg, text)
  }
  t.match(svg, 'equal masters, load 0.9')
  t.notMatch(svg, '>60, best peer<')
})

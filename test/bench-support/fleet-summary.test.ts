import t from 'tap'
import type { FleetMeasurement } from '../bench/fleet-figures.ts'
import { bestPeer, type FleetSummary, ratioOf, summariesOf, timesOf } from '../bench/fleet-summary.ts'
import { fleetMeasurement } from './fleet-measurement.ts'

const measured = (proxy: FleetMeasurement['proxy'], seed: number, runP99: number, mixed = 0) =>
  fleetMeasurement({ proxy, seed, figures: { runP99, mixed } })
const runP99 = timesOf('runP99')

t.test('the best peer is the one with the lowest median, and never puppet-lb', async t => {
  const rows = summariesOf([
    measured('puppet-lb', 1, 1),
    measured('haproxy-expert', 1, 50),
    measured('haproxy-expert', 2, 70),
    measured('haproxy-expert', 3, 71),
    measured('nginx', 1, 60),
    measured('nginx', 2, 61),
    measured('nginx', 3, 90)
  ])
  t.equal(bestPeer(rows, runP99)?.proxy, 'nginx')
})

t.test('of peers that mix no runs another one may be the best', async t => {
  const rows = summariesOf([
    measured('haproxy-priority', 1, 40, 0.9),
    measured('haproxy-expert', 1, 50, 0.001)
  ])
  t.equal(bestPeer(rows, runP99)?.proxy, 'haproxy-priority')
  t.equal(bestPeer(rows, runP99, true)?.proxy, 'haproxy-expert')
  t.equal(bestPeer(rows.slice(0, 1), runP99, true), undefined)
})

t.test('a ratio is taken seed by seed, over the seeds that both have', async t => {
  const [ours, theirs, stranger] = summariesOf([
    measured('puppet-lb', 1, 40),
    measured('puppet-lb', 2, 60),
    measured('puppet-lb', 3, 1000),
    measured('haproxy', 2, 60),
    measured('haproxy', 1, 80),
    measured('nginx', 4, 10)
  ]) as [FleetSummary, FleetSummary, FleetSummary]
  t.same(ratioOf(ours, theirs, 'runP99'), { median: 0.75, min: 0.5, max: 1 })
  t.equal(ratioOf(ours, stranger, 'runP99'), undefined)
})

t.test('measurements under other conditions are summed up apart', async t => {
  const rows = summariesOf([
    fleetMeasurement(),
    fleetMeasurement({ seed: 2, figures: { failed: 2, lostReports: 1 } }),
    fleetMeasurement({ rho: 0.8 }),
    fleetMeasurement({ fleet: 'unequal' }),
    fleetMeasurement({ kill: true }),
    fleetMeasurement({ threads: 2, logs: true }),
    fleetMeasurement({ balancers: 2 })
  ])
  t.same(
    rows.map(({ title, balancers }) => [title, balancers]),
    [
      ['equal masters, load 0.9', 1],
      ['equal masters, load 0.8', 1],
      ['unequal masters, load 0.9', 1],
      ['equal masters, load 0.9, one killed and one added', 1],
      ['equal masters, load 0.9, 2 threads, access log', 1],
      ['equal masters, load 0.9', 2]
    ]
  )
  t.match(rows[0], { failed: 2, lostReports: 1 })
})

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fleetChart } from './fleet-chart.ts'
import type { FleetMeasurement } from './fleet-figures.ts'
import { fleetOverview, fleetTables, peerLines } from './fleet-report.ts'
import { summariesOf } from './fleet-summary.ts'

/** Writes tables, chart and all measurements into a directory; returns the tables. */
export function publishFleet(measurements: readonly FleetMeasurement[], directory: string): string {
  const summaries = summariesOf(measurements)
  const text = [
    "Times are Puppet's, in seconds, medians over the seeds; a wait is what a request took beyond the time its master",
    'worked on it. Ratios are seed by seed, with their range. A peer is without mixed runs when at most one of twenty is:',
    "a master that is killed mixes some of anybody's.",
    '',
    ...peerLines(summaries),
    '',
    '## In short',
    '',
    fleetOverview(summaries),
    '',
    'Below, the best peer of each time is bold, and brackets hold multiples of it; of several puppet-lb, of one alone.',
    '',
    fleetTables(summaries),
    ''
  ].join('\n')
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'fleet.md'), text)
  writeFileSync(join(directory, 'fleet.svg'), fleetChart(summaries))
  writeFileSync(join(directory, 'fleet.json'), `${JSON.stringify(measurements, undefined, 2)}\n`)
  return text
}

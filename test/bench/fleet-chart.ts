import { barChart } from './bar-chart.ts'
import type { TimeName } from './fleet-figures.ts'
import { nameOf, timeTitles } from './fleet-report.ts'
import { bestPeer, type FleetSummary, timesOf } from './fleet-summary.ts'

const shown: readonly TimeName[] = ['runP50', 'runP99', 'lightWaitP99']

/** A row of bars for each proxy, a column for each time, in seconds of Puppet's time, as SVG; medians of all seeds. */
export function fleetChart(summaries: readonly FleetSummary[]): string {
  const groups = [...Map.groupBy(summaries, ({ title }) => title)].map(([title, rows]) => ({
    title,
    rows: rows.map(nameOf),
    columns: shown.map(name => {
      const best = bestPeer(rows, timesOf(name))
      return {
        title: `${timeTitles[name]}, s`,
        bars: rows.map(row => {
          const { median } = row.times[name]
          const tone = row.proxy === 'puppet-lb' ? 'ours' : row === best ? 'best' : 'other'
          return { value: Number(median.toFixed(median < 10 ? 2 : 1)), tone } as const
        })
      }
    })
  }))
  return barChart(groups)
}

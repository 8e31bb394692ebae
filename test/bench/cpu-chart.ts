import { barChart } from './bar-chart.ts'
import { peerNames, peerTitles } from './peers/names.ts'
import type { Summary } from './report.ts'

/** A row of bars for each proxy, a column for each figure, in microseconds of CPU time, as SVG; medians. */
export function cpuChart(summaries: readonly Summary[]): string {
  const groups = [...Map.groupBy(summaries, ({ title }) => title)].map(([title, figures]) => {
    const names = peerNames.filter(name => figures.some(({ cpuMicros }) => cpuMicros[name]))
    return {
      title,
      rows: names.map(name => peerTitles[name]),
      columns: figures.map(({ measured, cpuMicros, best }) => ({
        title: `${measured.figure}, µs`,
        bars: names.map(name => {
          const cpu = cpuMicros[name]
          if (!cpu) return undefined
          const tone = name === 'puppet-lb' ? 'ours' : name === best ? 'best' : 'other'
          return { value: Math.round(cpu.median), tone } as const
        })
      }))
    }
  })
  return barChart(groups)
}

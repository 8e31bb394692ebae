import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpuChart } from './cpu-chart.ts'
import { cpuTables, type Measured, machineLines, overviewOf, summarise } from './report.ts'

/** Writes tables, chart and all measurements into a directory; returns the tables. */
export function publishCpu(measured: readonly Measured[], directory: string): string {
  const summaries = measured.map(summarise)
  const text = [
    'CPU time of each proxy process with all its threads, in microseconds, steady state. Ratios are round by round.',
    '',
    ...machineLines(measured),
    '',
    '## In short',
    '',
    overviewOf(summaries),
    '',
    cpuTables(summaries),
    ''
  ].join('\n')
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'cpu.md'), text)
  writeFileSync(join(directory, 'cpu.svg'), cpuChart(summaries))
  writeFileSync(join(directory, 'cpu.json'), `${JSON.stringify(measured, undefined, 2)}\n`)
  return text
}

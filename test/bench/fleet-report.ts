import type { FleetMeasurement, FleetSummary, TimeName } from './fleet-figures.ts'
import { fleetProxyTitles } from './fleet-recipes.ts'
import type { Spread } from './statistics.ts'

export const timeTitles: Readonly<Record<TimeName, string>> = {
  runP50: 'run p50',
  runP99: 'run p99',
  catalogWaitP99: 'catalog wait p99',
  lightWaitP99: 'light wait p99'
}
const names = Object.keys(timeTitles) as TimeName[]

/** The summaries as Markdown: a heading and two tables for each load. */
export function fleetTables(summaries: readonly FleetSummary[]): string {
  const loads = Map.groupBy(summaries, ({ title }) => title)
  return [...loads]
    .map(([title, rows]) =>
      [
        `## ${title.charAt(0).toUpperCase()}${title.slice(1)}`,
        '',
        sizeLine(rows),
        '',
        resultTable(rows),
        '',
        ...failureLines(rows),
        cpuTable(rows)
      ].join('\n')
    )
    .join('\n\n')
}

function sizeLine(rows: readonly FleetSummary[]): string {
  const all = rows.flatMap(({ measurements }) => measurements)
  const list = (values: readonly number[]) => [...new Set(values)].toSorted((a, b) => a - b).join(', ')
  const [runs, speeds, seeds] = [
    list(all.map(({ runs }) => runs)),
    list(all.map(({ compression }) => compression)),
    list(all.map(({ seed }) => seed))
  ]
  return `${runs} agent runs a measurement, ${speeds} times as fast as Puppet, seeds ${seeds}.`
}

function resultTable(rows: readonly FleetSummary[]): string {
  const header = [
    'proxy',
    ...names.map(name => `${timeTitles[name]}, s`),
    'failed',
    'reports lost',
    'mixed runs'
  ]
  return markdown(
    header,
    rows.map(({ proxy, balancers, times, ratios, failed, lostReports, mixed }) => [
      nameOf({ proxy, balancers }),
      ...names.map(name => withRatio(times[name], ratios[name])),
      String(failed),
      String(lostReports),
      `${(mixed.median * 100).toFixed(1)} %`
    ])
  )
}

/** Why runs failed. */
function failureLines(rows: readonly FleetSummary[]): string[] {
  const lines = rows.flatMap(({ measurements, ...row }) => {
    const reasons = measurements.flatMap(({ figures }) => Object.entries(figures.failures))
    const sums = Map.groupBy(reasons, ([reason]) => reason)
    return [...sums].map(
      ([reason, counts]) =>
        `- ${nameOf(row)}: ${counts.reduce((sum, [, count]) => sum + count, 0)} failed by ${reason}`
    )
  })
  return lines.length === 0 ? [] : [...lines, '']
}

/** Processors in use: what others took and late timers tell a disturbed measurement from a good one. */
function cpuTable(rows: readonly FleetSummary[]): string {
  const most = (all: readonly FleetMeasurement[], what: keyof FleetMeasurement['cpu']) =>
    Math.max(...all.map(({ cpu }) => cpu[what]))
  const mean = (all: readonly FleetMeasurement[], what: 'serviceMean' | 'busy' | 'overheadMs') =>
    all.reduce((sum, { figures }) => sum + figures[what], 0) / all.length
  return markdown(
    [
      'processors used, at most',
      'masters',
      'agents',
      'proxy',
      'others',
      'timers late p99, ms',
      'JRuby s per run',
      'JRubies at work',
      'light wait p50, real ms'
    ],
    rows.map(({ measurements, ...row }) => [
      nameOf(row),
      ...(['masters', 'agents', 'proxy', 'others'] as const).map(what => most(measurements, what).toFixed(2)),
      most(measurements, 'timerLag99Ms').toFixed(1),
      mean(measurements, 'serviceMean').toFixed(2),
      mean(measurements, 'busy').toFixed(2),
      mean(measurements, 'overheadMs').toFixed(2)
    ])
  )
}

/** What tables and charts call it. */
export function nameOf({ proxy, balancers }: Pick<FleetSummary, 'proxy' | 'balancers'>): string {
  return balancers === 1 ? fleetProxyTitles[proxy] : `${balancers} × ${fleetProxyTitles[proxy]}`
}

function withRatio({ median }: Spread, ratio: Spread | undefined): string {
  const value = median < 10 ? median.toFixed(2) : median.toFixed(1)
  if (!ratio) return value
  const [middle, min, max] = [ratio.median, ratio.min, ratio.max].map(each => each.toFixed(2))
  return min === max ? `${value} (${middle} ×)` : `${value} (${middle} × [${min}–${max}])`
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(header),
    line(header.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map(line)
  ].join('\n')
}

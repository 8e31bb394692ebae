import { type FleetMeasurement, type TimeName, timeNames } from './fleet-figures.ts'
import { bestPeer, type FleetSummary, ratioOf, timesOf } from './fleet-summary.ts'
import { markdown } from './markdown.ts'
import { peerNames, peerTitles } from './peers/names.ts'
import { showRatio } from './statistics.ts'

export const timeTitles: Readonly<Record<TimeName, string>> = {
  runP50: 'run p50',
  runP99: 'run p99',
  catalogWaitP99: 'catalog wait p99',
  lightWaitP99: 'light wait p99'
}

/**
 * One row for each load and time: ours beside the best peer, and beside the best of those whose runs stay with one
 * master, as ours do.
 */
export function fleetOverview(summaries: readonly FleetSummary[]): string {
  const rows = [...Map.groupBy(summaries, ({ title }) => title)].flatMap(([title, all]) => {
    const own = all.find(({ proxy, balancers }) => proxy === 'puppet-lb' && balancers === 1)
    if (!own) return []
    const times = timeNames.map(name => [
      title,
      `${timeTitles[name]}, s`,
      seconds(own, name),
      ...besides(own, bestPeer(all, timesOf(name)), name),
      ...besides(own, bestPeer(all, timesOf(name), true), name)
    ])
    return all.some(({ failed }) => failed > 0) ? [...times, failureRow(own, all)] : times
  })
  return markdown(
    [
      'measured with',
      'figure',
      'puppet-lb',
      'best peer',
      'its',
      'puppet-lb takes',
      'best peer without mixed runs',
      'its',
      'puppet-lb takes'
    ],
    rows,
    [0, 1, 3, 6]
  )
}

function besides(own: FleetSummary, peer: FleetSummary | undefined, name: TimeName): string[] {
  if (!peer) return ['none', '', '']
  const ratio = ratioOf(own, peer, name)
  return [peerTitles[peer.proxy], seconds(peer, name), ratio ? showRatio(ratio) : '']
}

function failureRow(own: FleetSummary, all: readonly FleetSummary[]): string[] {
  const cells = [bestPeer(all, failuresOf), bestPeer(all, failuresOf, true)].flatMap(peer =>
    peer ? [peerTitles[peer.proxy], String(peer.failed), ''] : ['none', '', '']
  )
  return [own.title, 'runs failed', String(own.failed), ...cells]
}

function failuresOf({ measurements }: FleetSummary): number[] {
  return measurements.map(({ figures }) => figures.failed)
}

function seconds({ times }: FleetSummary, name: TimeName): string {
  const { median } = times[name]
  return median < 10 ? median.toFixed(2) : median.toFixed(1)
}

/** The summaries as Markdown: a heading and two tables for each load. */
export function fleetTables(summaries: readonly FleetSummary[]): string {
  return [...Map.groupBy(summaries, ({ title }) => title)]
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

/** What was measured, and who was not. */
export function peerLines(summaries: readonly FleetSummary[]): string[] {
  const all = summaries.flatMap(({ measurements }) => measurements)
  return peerNames.map(name => {
    const versions = [...new Set(all.filter(({ proxy }) => proxy === name).map(({ version }) => version))]
    return `- ${peerTitles[name]}: ${versions.join(' and ') || 'not measured'}`
  })
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
    ...timeNames.map(name => `${timeTitles[name]}, s`),
    'failed',
    'reports lost',
    'mixed runs',
    'runs queued inside a master'
  ]
  return markdown(
    header,
    rows.map(row => [
      nameOf(row),
      ...timeNames.map(name => withRatio(row, rows, name)),
      String(row.failed),
      String(row.lostReports),
      percent(row.mixed.median),
      percent(row.crowded.median)
    ])
  )
}

/** As a multiple of the best peer, which is bold; of several balancers, of one alone. */
function withRatio(row: FleetSummary, rows: readonly FleetSummary[], name: TimeName): string {
  const value = seconds(row, name)
  const alone = rows.find(({ proxy, balancers }) => proxy === row.proxy && balancers === 1)
  const best = bestPeer(rows, timesOf(name))
  if (row === best) return `**${value}**`
  const base = row.balancers > 1 ? alone : best
  const ratio = base && ratioOf(row, base, name)
  return ratio ? `${value} (${showRatio(ratio)})` : value
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
  return balancers === 1 ? peerTitles[proxy] : `${balancers} × ${peerTitles[proxy]}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

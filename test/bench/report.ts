import { markdown } from './markdown.ts'
import { type KeyName, keyTitles } from './material.ts'
import { type PeerName, peerNames, peerTitles } from './peers/names.ts'
import type { Scheme } from './peers/site.ts'
import { lowestMedian, ratiosOf, type Spread, showRatio, spreadOf } from './statistics.ts'

/** One figure with every proxy's value in every round, in microseconds of CPU time. */
export interface Rounds {
  readonly scheme: Scheme
  readonly figure: string
  /** Share of the processors' time that processes outside the benchmark used meanwhile, 0 to 1. */
  readonly disturbance: number
  readonly rounds: Readonly<Partial<Record<PeerName, readonly number[]>>>
}

/** The same with all that a reader must know to compare it; a file of results is a list of these. */
export interface Measured extends Rounds {
  readonly key: KeyName
  readonly threads: number
  readonly logs: boolean
  readonly handshake: string
  readonly machine: string
  readonly versions: Readonly<Partial<Record<PeerName, string>>>
}

/** A figure summed up. */
export interface Summary {
  readonly measured: Measured
  /** Such as `masters by http, RSA-4096, 1 thread, access log`. */
  readonly title: string
  readonly cpuMicros: Readonly<Partial<Record<PeerName, Spread>>>
  /** puppet-lb against each of the others. */
  readonly ratioTo: Readonly<Partial<Record<PeerName, Spread>>>
  /** Of the others, the one that takes least by its median. */
  readonly best: PeerName | undefined
}

export function summarise(measured: Measured): Summary {
  const values = peerNames.flatMap(name => {
    const rounds = measured.rounds[name]
    return rounds ? [[name, rounds] as const] : []
  })
  const own = measured.rounds['puppet-lb']
  const peers = values.filter(([name]) => name !== 'puppet-lb')
  return {
    measured,
    title: titleOf(measured),
    cpuMicros: Object.fromEntries(values.map(([name, rounds]) => [name, spreadOf(rounds)])),
    ratioTo: own
      ? Object.fromEntries(peers.map(([name, rounds]) => [name, spreadOf(ratiosOf(own, rounds))]))
      : {},
    best: lowestMedian(peers)
  }
}

function titleOf({ scheme, key, threads, logs }: Measured): string {
  const workers = threads === 1 ? '1 thread' : `${threads} threads`
  return `masters by ${scheme}, ${keyTitles[key]}, ${workers}, ${logs ? 'access log' : 'no access log'}`
}

/** One row for each figure: ours beside the peer that was best at it. */
export function overviewOf(summaries: readonly Summary[]): string {
  const rows = summaries.flatMap(({ measured, title, cpuMicros, ratioTo, best }) => {
    const own = cpuMicros['puppet-lb']
    if (!own || best === undefined) return []
    return [
      [
        title,
        measured.figure,
        micros(own.median),
        peerTitles[best],
        micros((cpuMicros[best] as Spread).median),
        showRatio(ratioTo[best] as Spread)
      ]
    ]
  })
  return markdown(
    ['measured with', 'figure', 'puppet-lb, CPU µs', 'best peer', 'its CPU µs', 'puppet-lb takes'],
    rows,
    [0, 1, 3]
  )
}

/** A heading and a table for each setting, with a row for each figure and proxy. */
export function cpuTables(summaries: readonly Summary[]): string {
  return [...Map.groupBy(summaries, ({ title }) => title)]
    .map(([title, rows]) =>
      [
        `## ${title.charAt(0).toUpperCase()}${title.slice(1)}`,
        '',
        ...introduction(rows),
        '',
        table(rows)
      ].join('\n')
    )
    .join('\n\n')
}

function introduction(rows: readonly Summary[]): string[] {
  const [{ measured }] = rows as [Summary]
  const disturbance = Math.max(...rows.map(row => row.measured.disturbance))
  const counts = Object.values(measured.rounds).map(({ length }) => length)
  return [
    `${Math.max(...counts)} rounds; meanwhile ${percent(disturbance)} of the processors went to others.`,
    `Every agent run is a new connection: ${measured.handshake}.`
  ]
}

/** Where it was measured, and what is compared. */
export function machineLines(measured: readonly Measured[]): string[] {
  const each = (value: (one: Measured) => string | undefined) =>
    [...new Set(measured.map(value).filter(text => text !== undefined))].join(' and ')
  return [
    `Processors: ${each(({ machine }) => machine)}.`,
    '',
    ...peerNames.map(
      name => `- ${peerTitles[name]}: ${each(({ versions }) => versions[name]) || 'not measured'}`
    )
  ]
}

function table(rows: readonly Summary[]): string {
  return markdown(
    ['figure', 'proxy', 'CPU µs, median [min–max]', 'puppet-lb takes, median [min–max]'],
    rows.flatMap(({ measured, cpuMicros, ratioTo, best }) =>
      peerNames.flatMap(name => {
        const cpu = cpuMicros[name]
        if (!cpu) return []
        const ratio = ratioTo[name]
        const title = name === best ? `**${peerTitles[name]}** (best peer)` : peerTitles[name]
        return [[measured.figure, title, show(cpu), ratio ? showRatio(ratio) : '']]
      })
    ),
    [0, 1]
  )
}

function show({ median, min, max }: Spread): string {
  return `${micros(median)} [${micros(min)}–${micros(max)}]`
}

function micros(value: number): string {
  return value < 1000 ? value.toFixed(1) : value.toFixed(0)
}

function percent(share: number): string {
  return `${Math.max(0, Math.round(share * 100))} %`
}

import { type ProxyName, proxyNames, type Scheme } from './ports.ts'
import { ratiosOf, type Spread, spreadOf } from './statistics.ts'

/** One figure with every proxy's value in every round, in microseconds of CPU time. */
export interface Measured {
  readonly scheme: Scheme
  readonly figure: string
  /** Share of the processors' time that processes outside the benchmark used meanwhile, 0 to 1. */
  readonly disturbance: number
  readonly rounds: Readonly<Partial<Record<ProxyName, readonly number[]>>>
}

/** A figure summed up. */
export interface Summary {
  readonly scheme: Scheme
  readonly figure: string
  readonly cpuMicros: Readonly<Partial<Record<ProxyName, Spread>>>
  /** puppet-lb against each of the others. */
  readonly ratioTo: Readonly<Partial<Record<ProxyName, Spread>>>
}

export function summarise({ scheme, figure, rounds }: Measured): Summary {
  const cpuMicros: Partial<Record<ProxyName, Spread>> = {}
  const ratioTo: Partial<Record<ProxyName, Spread>> = {}
  const own = rounds['puppet-lb']
  for (const name of proxyNames) {
    const values = rounds[name]
    if (!values) continue
    cpuMicros[name] = spreadOf(values)
    if (own && name !== 'puppet-lb') ratioTo[name] = spreadOf(ratiosOf(own, values))
  }
  return { scheme, figure, cpuMicros, ratioTo }
}

/** The summaries as a table, a row for each figure and proxy. */
export function tableOf(summaries: readonly Summary[]): string {
  const rows = [
    ['masters by', 'figure', 'proxy', 'CPU µs, median [min–max]', 'puppet-lb is, median [min–max]']
  ]
  for (const { scheme, figure, cpuMicros, ratioTo } of summaries) {
    for (const name of proxyNames) {
      const cpu = cpuMicros[name]
      if (!cpu) continue
      const ratio = ratioTo[name]
      rows.push([scheme, figure, name, show(cpu, micros), ratio ? show(ratio, times) : ''])
    }
  }
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map(row => (row[column] as string).length))) ?? []
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

function show({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} [${format(min)}–${format(max)}]`
}

function micros(value: number): string {
  return value < 1000 ? value.toFixed(1) : value.toFixed(0)
}

function times(value: number): string {
  return `${value.toFixed(2)} ×`
}

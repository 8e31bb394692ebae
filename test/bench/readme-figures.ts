import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetMeasurement } from './fleet-figures.ts'
import { fleetOverview, peerLines } from './fleet-report.ts'
import { summariesOf } from './fleet-summary.ts'
import { type Measured, machineLines, overviewOf, summarise } from './report.ts'
import { readResults } from './results.ts'
import { type TcpMeasured, tcpTables } from './tcp-report.ts'

/** The README, and that of the benchmarks. */
export const documentsWithFigures: readonly string[] = [
  join(import.meta.dirname, '../../README.md'),
  join(import.meta.dirname, 'README.md')
]

const notYet = 'Not measured yet with these peers.'

/** What documents show of the results in a directory: one text for each of their marked places. */
export function figuresIn(directory: string): Readonly<Record<string, string>> {
  const read = <Result>(name: string) => {
    const file = join(directory, name)
    return existsSync(file) ? readResults<Result>([file], () => true) : []
  }
  return {
    decide: figuresToDecideBy(read('fleet.json'), read('cpu.json')),
    fleet: fleetFigures(read('fleet.json')),
    cpu: cpuFigures(read('cpu.json')),
    tcp: tcpFigures(read('tcp.json'))
  }
}

/** How long runs take, and the CPU time with Puppet's own keys and TLS on both sides. */
function figuresToDecideBy(fleet: readonly FleetMeasurement[], cpu: readonly Measured[]): string {
  if (fleet.length === 0 || cpu.length === 0) return notYet
  const asPuppetHasIt = cpu.filter(
    ({ scheme, key, threads, logs }) => scheme === 'https' && key === 'rsa' && threads === 1 && logs
  )
  return [fleetOverview(summariesOf(fleet)), '', overviewOf(asPuppetHasIt.map(summarise))].join('\n')
}

function fleetFigures(measurements: readonly FleetMeasurement[]): string {
  if (measurements.length === 0) return notYet
  const summaries = summariesOf(measurements)
  return [
    ...peerLines(summaries),
    '',
    fleetOverview(summaries),
    '',
    '![Times of agent runs behind puppet-lb, HAProxy and nginx](results/fleet.svg)',
    '',
    'All figures, with their spread: [results/fleet.md](results/fleet.md).'
  ].join('\n')
}

function cpuFigures(measured: readonly Measured[]): string {
  if (measured.length === 0) return notYet
  const summaries = measured.map(summarise)
  return [
    ...machineLines(measured),
    '',
    overviewOf(summaries),
    '',
    '![CPU time of puppet-lb, HAProxy and nginx](results/cpu.svg)',
    '',
    'All figures, with their spread: [results/cpu.md](results/cpu.md).'
  ].join('\n')
}

function tcpFigures(measured: readonly TcpMeasured[]): string {
  return measured.length === 0 ? notYet : tcpTables(measured)
}

/** The text with each figure between its marks, `<!-- figures: NAME -->` and `<!-- end of figures -->`. */
export function withFigures(text: string, figures: Readonly<Record<string, string>>): string {
  return text.replace(
    /(<!-- figures: (\w+) -->\n)[\s\S]*?(<!-- end of figures -->)/g,
    (_, begin: string, name: string, end: string) => {
      const figure = figures[name]
      if (figure === undefined) throw new Error(`a document wants figures of ${name}, which nothing measures`)
      return `${begin}\n${figure}\n\n${end}`
    }
  )
}

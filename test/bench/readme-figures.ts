import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FleetMeasurement } from './fleet-figures.ts'
import { fleetOverview, peerLines } from './fleet-report.ts'
import { summariesOf } from './fleet-summary.ts'
import { type Measured, machineLines, overviewOf, summarise } from './report.ts'
import { readResults } from './results.ts'
import { type TcpMeasured, tcpTables } from './tcp-report.ts'

const notYet = 'Not measured yet with these peers.'

/** What the README shows of the results in a directory: one text for each of its marked places. */
export function figuresIn(directory: string): Readonly<Record<string, string>> {
  const read = <Result>(name: string) => {
    const file = join(directory, name)
    return existsSync(file) ? readResults<Result>([file], () => true) : []
  }
  return {
    fleet: fleetFigures(read('fleet.json')),
    cpu: cpuFigures(read('cpu.json')),
    tcp: tcpFigures(read('tcp.json'))
  }
}

function fleetFigures(measurements: readonly FleetMeasurement[]): string {
  if (measurements.length === 0) return notYet
  const summaries = summariesOf(measurements)
  return [
    ...peerLines(summaries),
    '',
    fleetOverview(summaries),
    '',
    '![Times of agent runs behind puppet-lb, HAProxy and nginx](test/bench/results/fleet.svg)',
    '',
    'All figures, with their spread: [test/bench/results/fleet.md](test/bench/results/fleet.md).'
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
    '![CPU time of puppet-lb, HAProxy and nginx](test/bench/results/cpu.svg)',
    '',
    'All figures, with their spread: [test/bench/results/cpu.md](test/bench/results/cpu.md).'
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
      if (figure === undefined) throw new Error(`the README wants figures of ${name}, which nothing measures`)
      return `${begin}\n${figure}\n\n${end}`
    }
  )
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fleetChart } from './fleet-chart.ts'
import { type FleetMeasurement, summariesOf } from './fleet-figures.ts'
import { type FleetOptions, fleetUsage, parseFleetOptions } from './fleet-options.ts'
import { fleetTables } from './fleet-report.ts'
import { measureFleets } from './fleet-session.ts'
import { createProcesses } from './processes.ts'

// How long agent runs take behind puppet-lb, HAProxy and nginx when the masters are busy, on real sockets.
// Exit code: 0 measured, 1 wrong arguments, 2 it could not be run.
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const options = parseFleetOptions(argv)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${fleetUsage}`)
    return 1
  }
  if (options.help) {
    process.stdout.write(fleetUsage)
    return 0
  }
  try {
    if (options.from) {
      process.stdout.write(publish(options.from.flatMap(measurementsIn), options))
      return 0
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-fleet-'))
  const processes = createProcesses()
  const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>()
  interrupted.catch(() => {})
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt(new Error(`stopped by ${signal}`)))
  }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const measuring = measureFleets({ directory, processes, options, say })
    const measurements = await Promise.race([measuring, interrupted])
    process.stdout.write(publish(measurements, options))
    return 0
  } catch (error) {
    process.stderr.write(`The benchmark failed: ${(error as Error).message}\n`)
    return 2
  } finally {
    await processes.stopAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What an earlier measurement wrote. Throws for a file that is not there or holds something else. */
function measurementsIn(file: string): readonly FleetMeasurement[] {
  const text = readFileSync(file, 'utf8')
  try {
    const found: readonly FleetMeasurement[] = JSON.parse(text)
    if (found.every(({ figures, cpu }) => figures && cpu)) return found
  } catch {
    // Said below, in words that name the file.
  }
  throw new Error(`${file} holds no measurements of this benchmark`)
}

/** Writes table, chart and all figures into files; returns the table. */
function publish(measurements: readonly FleetMeasurement[], options: FleetOptions): string {
  const { out = join(import.meta.dirname, 'out') } = options
  const summaries = summariesOf(measurements)
  const table = [
    "Times are Puppet's, in seconds, medians over the seeds; in brackets as a multiple of HAProxy's best with the same",
    'seed, with its range; of several puppet-lb, of one alone. A wait is what a request took beyond the time its master worked on it.',
    '',
    fleetTables(summaries),
    ''
  ].join('\n')
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'fleet.md'), table)
  writeFileSync(join(out, 'fleet.svg'), fleetChart(summaries))
  writeFileSync(join(out, 'fleet.json'), `${JSON.stringify(measurements, undefined, 2)}\n`)
  return table
}

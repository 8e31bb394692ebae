import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FleetMeasurement } from './fleet-figures.ts'
import { type FleetOptions, fleetUsage, parseFleetOptions } from './fleet-options.ts'
import { publishFleet } from './fleet-results.ts'
import { type FleetSessionOptions, measureFleets } from './fleet-session.ts'
import { findPeers } from './peers/debian.ts'
import { createProcesses } from './processes.ts'
import { readResults } from './results.ts'

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
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-fleet-'))
  const processes = createProcesses()
  const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>()
  interrupted.catch(() => {})
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt(new Error(`stopped by ${signal}`)))
  }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const measurements = options.from
      ? readResults(options.from, isMeasurement)
      : await Promise.race([measure(options, { directory, processes, say }), interrupted])
    process.stdout.write(publishFleet(measurements, options.out ?? join(import.meta.dirname, 'out')))
    return 0
  } catch (error) {
    process.stderr.write(`The benchmark failed: ${(error as Error).message}\n`)
    return 2
  } finally {
    await processes.stopAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(
  options: FleetOptions,
  stage: Omit<FleetSessionOptions, 'options' | 'wrap'>
): Promise<readonly FleetMeasurement[]> {
  const wrap = await findPeers({ ...stage, source: options.peers })
  return measureFleets({ ...stage, wrap, options })
}

function isMeasurement({ figures, cpu, version }: Partial<FleetMeasurement>): boolean {
  return figures !== undefined && cpu !== undefined && version !== undefined
}

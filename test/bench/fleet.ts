import { join } from 'node:path'
import { runBenchmark, type Stage } from './benchmark.ts'
import type { FleetMeasurement } from './fleet-figures.ts'
import { type FleetOptions, fleetUsage, parseFleetOptions } from './fleet-options.ts'
import { publishFleet } from './fleet-results.ts'
import { measureFleets } from './fleet-session.ts'
import { findPeers } from './peers/debian.ts'
import { readResults } from './results.ts'

// How long agent runs take behind puppet-lb, HAProxy and nginx when the masters are busy, on real sockets.
process.exitCode = await runBenchmark(parseFleetOptions(process.argv.slice(2)), {
  usage: fleetUsage,
  async measure(options, stage) {
    const measurements = options.from
      ? readResults(options.from, isMeasurement)
      : await measureHere(options, stage)
    return publishFleet(measurements, options.out ?? join(import.meta.dirname, 'out'))
  }
})

async function measureHere(options: FleetOptions, stage: Stage): Promise<readonly FleetMeasurement[]> {
  const wrap = await findPeers({ ...stage, source: options.peers })
  return measureFleets({ ...stage, wrap, options })
}

function isMeasurement({ figures, cpu, version }: Partial<FleetMeasurement>): boolean {
  return figures !== undefined && cpu !== undefined && version !== undefined
}

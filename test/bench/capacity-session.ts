import type { Stage } from './benchmark.ts'
import type { CapacityOptions } from './capacity-options.ts'
import { type Told, watchCapacity } from './capacity-watch.ts'
import { type FleetFigures, figuresOf } from './fleet-figures.ts'
import { makeFleetMaterial } from './fleet-material.ts'
import { type FleetMaster, fleets, runsPerSecond } from './fleet-plan.ts'
import { fleetPorts, portOf } from './fleet-ports.ts'
import { ordered, startAgents, startMaster } from './fleet-processes.ts'
import { startProxy } from './proxies.ts'

const HALF = 0.5
/** More than this no pool is to be loaded, whatever it tells. */
const MOST = 0.995
/** At half load each agent runs so often: some come twice before half of the time is over. */
const RUNS_PER_AGENT = 3
const PROBE_MS = 1_000
const PATIENCE = 3

/** How the runs went at one load. */
export interface LoadPhase {
  /** What the runs ask of the JRubies, as a share of what these can do. */
  readonly rho: number
  readonly runs: number
  readonly figures: FleetFigures
  /** What was told at the end of each minute. */
  readonly told: readonly Told[]
  /** How late timers of the agents were, 99th percentile, milliseconds. */
  readonly timerLag99Ms: number
}

export interface CapacityMeasurement {
  readonly jrubies: number
  readonly half: LoadPhase
  readonly full: LoadPhase
}

/**
 * Loads the masters by half, and then with as many more agents as the balancer says they take until they are full. What
 * sockets take is in what it tells of both, so the way to full is by its own word.
 */
export async function measureCapacity(
  options: CapacityOptions,
  { directory, processes, say }: Stage
): Promise<CapacityMeasurement> {
  const { fleet, compression, sigma, seed, threads } = options
  const material = await makeFleetMaterial(directory)
  const agents = await startAgents(processes, directory)
  const masters = await Promise.all(
    fleets[fleet].map((master, index) => startMaster(processes, master, index))
  )
  const { started } = await startProxy(
    'puppet-lb',
    {
      material,
      scheme: 'http',
      masters: fleets[fleet].map(siteMasterOf),
      mastersTell: true,
      caPort: fleetPorts.ca,
      port: fleetPorts.proxy,
      adminPort: fleetPorts.admin,
      threads,
      accessLog: undefined,
      probeMs: PROBE_MS,
      runGapMs: 0
    },
    { processes, wrap: command => command }
  )
  const watch = await watchCapacity(masters)
  const jrubies = fleets[fleet].reduce((sum, master) => sum + master.jrubies, 0)
  const halfRuns = runsIn(options.halfMinutes, HALF)

  function runsIn(minutes: number, rho: number): number {
    return Math.round(minutes * 60 * runsPerSecond({ fleet, rho, compression }))
  }

  async function phase(rho: number, minutes: number, phaseSeed: number): Promise<LoadPhase> {
    const runs = runsIn(minutes, rho)
    say(`load ${rho.toFixed(3)}: ${runs} runs in ${minutes} minutes`)
    const before = watch.told().length
    const done = await Promise.race([
      ordered(agents, {
        ports: [fleetPorts.proxy],
        load: { fleet, rho, runs, seed: phaseSeed, compression, sigma },
        agents: Math.ceil(halfRuns / RUNS_PER_AGENT),
        limitMs: PATIENCE * minutes * 60_000
      }),
      started.died
    ])
    const figures = figuresOf(done.runs, { compression, jrubies, elapsedMs: done.elapsedMs })
    return { rho, runs, figures, told: watch.told().slice(before), timerLag99Ms: done.timerLag99Ms }
  }

  const half = await phase(HALF, options.halfMinutes, seed)
  const full = await phase(fullRho(half), options.fullMinutes, seed + 1)
  await watch.stop()
  await started.stop()
  await Promise.all(masters.map(master => master.stop()))
  return { jrubies, half, full }

  /** What is told of the last minutes stands for the load that there was. */
  function fullRho({ told }: LoadPhase): number {
    const pool = told.at(-1)?.pool
    if (pool?.full == null || pool.utilization === null)
      throw new Error(`it does not tell when the masters are full: ${pool?.unknown}`)
    const worked = told.at(-1)?.worked as number
    const rho = (worked * pool.full) / pool.utilization
    say(`full at ${pool.full.toFixed(3)}, told to be used by ${pool.utilization.toFixed(3)}`)
    return Math.min(rho, MOST)
  }
}

function siteMasterOf({ name, jrubies }: FleetMaster, index: number) {
  return { name, port: portOf(index), jrubies, weight: jrubies }
}

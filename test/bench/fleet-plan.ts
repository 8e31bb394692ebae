import { seededDice } from '../support/runtime.ts'

/** A master of the fleet. */
export interface FleetMaster {
  readonly name: string
  readonly jrubies: number
  /** 1, or less for a machine whose JRubies take longer. */
  readonly speed: number
}

/** Those that proxies are compared with. */
export const fleetNames = ['equal', 'unequal'] as const
/** Those of which the room for more agents is measured. */
export const capacityFleetNames = ['small', 'equal', 'large'] as const
export type FleetName = (typeof fleetNames | typeof capacityFleetNames)[number]

export const fleets: Readonly<Record<FleetName, readonly FleetMaster[]>> = {
  small: alike(2, 2),
  equal: alike(4, 4, 4, 4),
  large: alike(8, 8, 8, 8),
  unequal: [
    { name: 'm0', jrubies: 4, speed: 1 },
    { name: 'm1', jrubies: 4, speed: 1 },
    { name: 'm2', jrubies: 8, speed: 1 },
    { name: 'm3', jrubies: 4, speed: 0.5 }
  ]
}

function alike(...jrubies: readonly number[]): readonly FleetMaster[] {
  return jrubies.map((count, index) => ({ name: `m${index}`, jrubies: count, speed: 1 }))
}

/** What everything costs at a master of speed 1, in milliseconds of Puppet's time, before it is compressed. */
const catalogMs = { mean: 8000, sigma: 0.7 }
const lightMs = 80
const reportMs = 300
/** What an agent does by itself before a request of a kind. */
export const thinkMs = { beforeCatalog: 2000, afterCatalog: 1000, between: 10 }

export const pluginRequests = 3
/** Metadata and content of ten files. */
export const fileRequests = 20

/** How long one run keeps JRubies of speed 1 busy, on average. */
const runMs = catalogMs.mean + (pluginRequests + fileRequests) * lightMs + reportMs

/** One run, thrown before it begins, so that every proxy meets the same runs at the same times. */
export interface PlannedRun {
  /** Milliseconds since the begin of the load. */
  readonly atMs: number
  /** Service times in the order of the requests: plugins, catalog, files, report. */
  readonly serviceMs: readonly number[]
  /** 0 to 1, for what is left to chance: which of several balancers it meets. */
  readonly dice: number
}

/** What decides over the runs of one measurement. */
export interface FleetLoad {
  readonly fleet: FleetName
  /** Offered work as a share of what all JRubies can do. */
  readonly rho: number
  readonly runs: number
  readonly seed: number
  /** How many times faster than in Puppet everything goes. */
  readonly compression: number
  /** How uneven compile times are: of the logarithm, the standard deviation. Default: 0.7. */
  readonly sigma?: number
}

/** What a fleet can do, in JRubies of speed 1. */
export function capacityOf(fleet: FleetName): number {
  return fleets[fleet].reduce((sum, { jrubies, speed }) => sum + jrubies * speed, 0)
}

/** Runs a second that load the fleet's JRubies to `rho` on average, in compressed time. */
export function runsPerSecond({ fleet, rho, compression }: Omit<FleetLoad, 'runs' | 'seed'>): number {
  return ((rho * capacityOf(fleet)) / runMs) * 1000 * compression
}

/**
 * The runs in the order they begin: Poisson arrivals, log-normal compile times, exponential times else. The arrivals
 * are stretched so that the work of just these runs is `rho` of what the JRubies can do until the last one comes.
 */
export function planRuns(load: FleetLoad): readonly PlannedRun[] {
  const { runs, seed, compression } = load
  const dice = seededDice(seed * 7919)
  const exponential = (mean: number) => (-Math.log(1 - dice()) * mean) / compression
  const normal = () => Math.sqrt(-2 * Math.log(1 - dice())) * Math.cos(2 * Math.PI * dice())
  const compile = () => {
    const { sigma = catalogMs.sigma } = load
    return (catalogMs.mean * Math.exp(sigma * normal() - sigma ** 2 / 2)) / compression
  }
  const lights = (count: number) => Array.from({ length: count }, () => exponential(lightMs))
  let atMs = 0
  const drawn = Array.from({ length: runs }, () => {
    atMs += exponential(1)
    const serviceMs = [...lights(pluginRequests), compile(), ...lights(fileRequests), exponential(reportMs)]
    return { atMs, serviceMs }
  })
  const workMs = drawn.flatMap(({ serviceMs }) => serviceMs).reduce((sum, ms) => sum + ms, 0)
  const choices = seededDice(seed * 104_729)
  const stretch = workMs / (load.rho * capacityOf(load.fleet) * atMs)
  return drawn.map(run => ({ ...run, atMs: run.atMs * stretch, dice: choices() }))
}

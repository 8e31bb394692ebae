import type { RunRecord } from './fleet-messages.ts'
import type { FleetLoad } from './fleet-plan.ts'
import type { FleetProxyName } from './fleet-recipes.ts'
import { ratiosOf, type Spread, spreadOf } from './statistics.ts'

/** Runs at the begin that meet an empty fleet and a cold proxy; they count for failures only. */
const WARM_UP = 0.1

/** Times that are compared, in seconds of Puppet's time. */
export const timeNames = ['runP50', 'runP99', 'catalogWaitP99', 'lightWaitP99'] as const
export type TimeName = (typeof timeNames)[number]

/** What one measurement says about a proxy. */
export interface FleetFigures extends Readonly<Record<TimeName, number>> {
  readonly failed: number
  /** Share of the runs, 0 to 1. */
  readonly mixed: number
  /** The JRuby time of an average run, in seconds of Puppet's time. */
  readonly serviceMean: number
  /** Share of their time that JRubies were at work, from the first run's begin to the last one's end. */
  readonly busy: number
  /**
   * Median wait of light requests in milliseconds of real time. Mostly it is the way
   * through proxy and sockets alone, which compression does not shorten: it takes room from bounded masters.
   */
  readonly overheadMs: number
  /** Runs that did all but get their report to a master. */
  readonly lostReports: number
  /** Why runs failed, and how often. */
  readonly failures: Readonly<Record<string, number>>
}

/** How much of the machine was used, in processors. */
export interface FleetCpu {
  readonly masters: number
  readonly agents: number
  readonly proxy: number
  /** By everything that is no part of the benchmark. */
  readonly others: number
  /** How late timers were, 99th percentile, milliseconds. */
  readonly timerLag99Ms: number
}

/** One proxy under one load with one seed. */
export interface FleetMeasurement extends FleetLoad {
  readonly proxy: FleetProxyName
  /** How many of it shared the agents; absent for one. */
  readonly balancers?: number
  /** One master was killed, and one was added. */
  readonly kill: boolean
  readonly figures: FleetFigures
  readonly cpu: FleetCpu
}

/** A proxy under one load, over all seeds. */
export interface FleetSummary {
  readonly proxy: FleetProxyName
  readonly balancers: number
  /** What was measured, in a few words; the same for all proxies that can be compared. */
  readonly title: string
  readonly times: Readonly<Record<TimeName, Spread>>
  /**
   * Against HAProxy's best, seed by seed, and of several balancers against one of them; nothing where that was not
   * measured.
   */
  readonly ratios: Readonly<Partial<Record<TimeName, Spread>>>
  readonly failed: number
  readonly lostReports: number
  readonly mixed: Spread
  readonly measurements: readonly FleetMeasurement[]
}

/** What the figures of a measurement need to know of it. */
export interface FleetFacts {
  readonly compression: number
  readonly jrubies: number
  readonly elapsedMs: number
}

/** Sums the runs of one measurement up. */
export function figuresOf(
  runs: readonly RunRecord[],
  { compression, jrubies, elapsedMs }: FleetFacts
): FleetFigures {
  const failures: Record<string, number> = {}
  for (const { failure } of runs) if (failure !== undefined) failures[failure] = (failures[failure] ?? 0) + 1
  const counted = runs.slice(Math.floor(runs.length * WARM_UP)).filter(run => run.failure === undefined)
  if (counted.length === 0) throw new Error(`no run succeeded: ${JSON.stringify(failures)}`)
  const seconds = (ms: number) => (ms * compression) / 1000
  const lightWaits = counted.flatMap(run => run.lightWaitsMs)
  const durations = counted.map(run => run.durationMs)
  return {
    runP50: seconds(quantile(durations, 0.5)),
    runP99: seconds(quantile(durations, 0.99)),
    catalogWaitP99: seconds(
      quantile(
        counted.map(run => run.catalogWaitMs),
        0.99
      )
    ),
    lightWaitP99: seconds(quantile(lightWaits, 0.99)),
    overheadMs: quantile(lightWaits, 0.5),
    busy: runs.reduce((sum, run) => sum + run.serviceMs, 0) / (jrubies * elapsedMs),
    lostReports: runs.filter(run => run.lostReport !== undefined).length,
    failed: runs.filter(run => run.failure !== undefined).length,
    mixed: counted.filter(run => run.isMixed).length / counted.length,
    serviceMean: seconds(counted.reduce((sum, run) => sum + run.serviceMs, 0) / counted.length),
    failures
  }
}

/** The value below which a share of the values lies. Throws for none. */
export function quantile(values: readonly number[], share: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]
  if (value === undefined) throw new Error('no values, no quantile')
  return value
}

/** Such as `equal masters, load 0.9`. */
export function titleOf({ fleet, rho, kill }: Pick<FleetMeasurement, 'fleet' | 'rho' | 'kill'>): string {
  return `${fleet} masters, load ${rho}${kill ? ', one killed and one added' : ''}`
}

/** The measurements of all seeds summed up, in the order they were made. */
export function summariesOf(measurements: readonly FleetMeasurement[]): FleetSummary[] {
  const groups = Map.groupBy(measurements, each => `${titleOf(each)} ${each.proxy} ${each.balancers ?? 1}`)
  return [...groups.values()].map(group => {
    const { proxy, balancers = 1 } = group[0] as FleetMeasurement
    const title = titleOf(group[0] as FleetMeasurement)
    const isRival = (each: FleetMeasurement) =>
      balancers === 1 ? each.proxy.startsWith('haproxy') : each.proxy === proxy && !each.balancers
    const seeds = new Set(group.map(({ seed }) => seed))
    const rivals = measurements.filter(
      each => titleOf(each) === title && seeds.has(each.seed) && isRival(each)
    )
    const times = (name: TimeName) => group.map(({ figures }) => figures[name])
    const best = (name: TimeName) =>
      group.map(({ seed }) =>
        Math.min(...rivals.filter(rival => rival.seed === seed).map(({ figures }) => figures[name]))
      )
    const each = <Value>(value: (name: TimeName) => Value) =>
      Object.fromEntries(timeNames.map(name => [name, value(name)])) as Record<TimeName, Value>
    return {
      proxy,
      balancers,
      title,
      times: each(name => spreadOf(times(name))),
      ratios: rivals.length === 0 ? {} : each(name => spreadOf(ratiosOf(times(name), best(name)))),
      failed: group.reduce((sum, { figures }) => sum + figures.failed, 0),
      lostReports: group.reduce((sum, { figures }) => sum + figures.lostReports, 0),
      mixed: spreadOf(group.map(({ figures }) => figures.mixed)),
      measurements: group
    }
  })
}

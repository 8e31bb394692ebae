import type { RunRecord } from './fleet-messages.ts'
import type { FleetLoad } from './fleet-plan.ts'
import type { PeerName } from './peers/names.ts'

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
  /** Share of the runs of which a request queued inside a master, 0 to 1. */
  readonly crowded: number
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
  readonly proxy: PeerName
  /** What it calls itself. */
  readonly version: string
  /** Of each proxy. */
  readonly threads: number
  /** Whether each request had a line in an access log. */
  readonly logs: boolean
  /** How many of it shared the agents; absent for one. */
  readonly balancers?: number
  /** One master was killed, and one was added. */
  readonly kill: boolean
  readonly figures: FleetFigures
  readonly cpu: FleetCpu
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
    crowded: counted.filter(run => run.isCrowded).length / counted.length,
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

import { type FleetMeasurement, type TimeName, timeNames } from './fleet-figures.ts'
import type { PeerName } from './peers/names.ts'
import { lowestMedian, ratiosOf, type Spread, spreadOf } from './statistics.ts'

/** Above this share of mixed runs a proxy does not keep them whole; a master that is killed mixes some of anybody's. */
const MOST_MIXED = 0.05

/** A proxy under one load, over all seeds. */
export interface FleetSummary {
  readonly proxy: PeerName
  readonly balancers: number
  /** What was measured, in a few words; the same for all proxies that can be compared. */
  readonly title: string
  readonly times: Readonly<Record<TimeName, Spread>>
  readonly failed: number
  readonly lostReports: number
  readonly mixed: Spread
  readonly crowded: Spread
  readonly measurements: readonly FleetMeasurement[]
}

/** Such as `equal masters, load 0.9, 2 threads`. */
export function titleOf({ fleet, rho, kill, threads, logs }: FleetMeasurement): string {
  return [
    `${fleet} masters, load ${rho}`,
    ...(threads > 1 ? [`${threads} threads`] : []),
    ...(logs ? ['access log'] : []),
    ...(kill ? ['one killed and one added'] : [])
  ].join(', ')
}

/** The measurements of all seeds summed up, in the order they were made. */
export function summariesOf(measurements: readonly FleetMeasurement[]): FleetSummary[] {
  const groups = Map.groupBy(measurements, each => `${titleOf(each)} ${each.proxy} ${each.balancers ?? 1}`)
  return [...groups.values()].map(group => {
    const { proxy, balancers = 1 } = group[0] as FleetMeasurement
    const spread = (value: (figures: FleetMeasurement['figures']) => number) =>
      spreadOf(group.map(({ figures }) => value(figures)))
    return {
      proxy,
      balancers,
      title: titleOf(group[0] as FleetMeasurement),
      times: Object.fromEntries(timeNames.map(name => [name, spread(figures => figures[name])])) as Record<
        TimeName,
        Spread
      >,
      failed: group.reduce((sum, { figures }) => sum + figures.failed, 0),
      lostReports: group.reduce((sum, { figures }) => sum + figures.lostReports, 0),
      mixed: spread(figures => figures.mixed),
      crowded: spread(figures => figures.crowded),
      measurements: group
    }
  })
}

/** One of a proxy's times, seed by seed. */
export function timesOf(name: TimeName): (row: FleetSummary) => readonly number[] {
  return ({ measurements }) => measurements.map(({ figures }) => figures[name])
}

/** Of the peers under one load, the one with the lowest median; `isWhole` asks for one that mixes no runs. */
export function bestPeer(
  rows: readonly FleetSummary[],
  values: (row: FleetSummary) => readonly number[],
  isWhole = false
): FleetSummary | undefined {
  const peers = rows.filter(
    ({ proxy, mixed }) => proxy !== 'puppet-lb' && (!isWhole || mixed.max <= MOST_MIXED)
  )
  return lowestMedian(peers.map(row => [row, values(row)] as const))
}

/**
 * How many times the other's time a proxy took, seed by seed; only seeds count with which both were measured. Nothing
 * without such a seed.
 */
export function ratioOf(own: FleetSummary, other: FleetSummary, name: TimeName): Spread | undefined {
  const times = new Map(other.measurements.map(({ seed, figures }) => [seed, figures[name]]))
  const common = own.measurements.filter(({ seed }) => times.has(seed))
  if (common.length === 0) return undefined
  return spreadOf(
    ratiosOf(
      common.map(({ figures }) => figures[name]),
      common.map(({ seed }) => times.get(seed) as number)
    )
  )
}

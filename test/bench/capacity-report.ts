import type { CapacityOptions } from './capacity-options.ts'
import type { CapacityMeasurement, LoadPhase } from './capacity-session.ts'
import type { Told } from './capacity-watch.ts'

/** The measurement as Markdown. Shares are of the minutes of each load alone, differences of all that was told. */
export function reportOf(
  { fleet, sigma, compression, seed }: Pick<CapacityOptions, 'fleet' | 'sigma' | 'compression' | 'seed'>,
  { jrubies, half, full }: CapacityMeasurement
): string {
  const ratio = full.figures.runP99 / half.figures.runP99
  return `${jrubies} JRubies (${fleet}), sigma ${sigma}, ${compression} times as fast as Puppet, seed ${seed}

| load | runs | failed | run p50, s | run p99, s | utilization told | of the JRubies | furthest apart, points | timers late p99, ms |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
${rowOf('half', half)}
${rowOf('full', full)}

Full is told to be at ${percent(half.told.at(-1)?.pool.full)}. Run p99 there is ${ratio.toFixed(2)} times that at half load.
`
}

function rowOf(name: string, { rho, runs, figures, told, timerLag99Ms }: LoadPhase): string {
  const during = duringOf(told)
  const cells = [
    `${name}: ${rho.toFixed(3)}`,
    runs,
    figures.failed,
    figures.runP50.toFixed(1),
    figures.runP99.toFixed(1),
    percent(during?.told),
    percent(during?.worked),
    furthestApart(told).toFixed(1),
    timerLag99Ms.toFixed(1)
  ]
  return `| ${cells.join(' | ')} |`
}

/** Of the minutes of one load alone, from first to last: each time is told of all minutes since the start. */
export function duringOf(
  all: readonly Told[]
): { readonly told: number; readonly worked: number } | undefined {
  const [first, last] = [all[0], all.at(-1)]
  if (!first || !last || first === last) return undefined
  const minutes = last.pool.minutes - first.pool.minutes
  const between = (of: (told: Told) => number) =>
    (of(last) * last.pool.minutes - of(first) * first.pool.minutes) / minutes
  return { told: between(({ pool }) => pool.utilization ?? 0), worked: between(({ worked }) => worked) }
}

/** The greatest difference between what was told and what was so, in points; 0 where nothing was told. */
export function furthestApart(told: readonly Told[]): number {
  return Math.max(0, ...told.map(({ pool, worked }) => Math.abs((pool.utilization ?? 0) - worked) * 100))
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? 'not told' : `${(share * 100).toFixed(1)} %`
}

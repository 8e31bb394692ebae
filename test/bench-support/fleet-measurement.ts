import type { FleetFigures, FleetMeasurement } from '../bench/fleet-figures.ts'

/** A measurement of puppet-lb, but for what is said. */
export function fleetMeasurement({
  figures,
  ...rest
}: Partial<Omit<FleetMeasurement, 'figures'>> & {
  readonly figures?: Partial<FleetFigures>
} = {}): FleetMeasurement {
  return {
    proxy: 'puppet-lb',
    version: '1.0',
    fleet: 'equal',
    rho: 0.9,
    runs: 100,
    seed: 1,
    compression: 10,
    threads: 1,
    logs: false,
    kill: false,
    cpu: { masters: 0.1, agents: 0.2, proxy: 0.3, others: 0.4, timerLag99Ms: 1.5 },
    ...rest,
    figures: {
      runP50: 16,
      runP99: 48,
      catalogWaitP99: 4,
      lightWaitP99: 2,
      failed: 0,
      lostReports: 0,
      mixed: 0,
      crowded: 0,
      serviceMean: 10,
      busy: 0.9,
      overheadMs: 1,
      failures: {},
      ...figures
    }
  }
}

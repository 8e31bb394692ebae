/** What a master says about its JRubies at one moment. */
export interface JRubyReport {
  /** `num-jrubies`: requests it can run at once. */
  readonly capacity: number
  /** Requests that run now. */
  readonly busy: number
  /** Requests that wait in the master for a JRuby. */
  readonly waiting: number
  /** False for a master that has JRubies but never lent one and has none free: they are still being made. */
  readonly isWarm: boolean
  /** Of Puppet Server, whose major is that of its Puppet since 5. */
  readonly version?: string
}

/** The service's path; the numbers are only there at level `debug`. */
export const jrubyMetricsPath = '/status/v1/services/jruby-metrics?level=debug'

/**
 * Reads the answer of Puppet Server's `jruby-metrics` service (since 5.0), under `status.experimental.metrics`.
 * `undefined` for anything that is not one: the service calls itself experimental.
 */
export function parseJRubyMetrics(body: string): JRubyReport | undefined {
  const service = serviceIn(body)
  const metrics = service?.status?.experimental?.metrics
  const capacity = count(metrics?.['num-jrubies'])
  const free = count(metrics?.['num-free-jrubies'])
  if (metrics === undefined || capacity === undefined || free === undefined || capacity === 0)
    return undefined
  const waiting = metrics['requested-instances']
  const borrowed = count(metrics['borrow-count'])
  const version = service?.service_version
  return {
    capacity,
    busy: Math.max(0, capacity - free),
    waiting: Array.isArray(waiting) ? waiting.length : 0,
    isWarm: free > 0 || borrowed === undefined || borrowed > 0,
    ...(typeof version === 'string' && { version })
  }
}

/** What is looked for in an answer, as far as it is there. */
interface Service {
  readonly service_version?: unknown
  readonly status?: { readonly experimental?: { readonly metrics?: Readonly<Record<string, unknown>> } }
}

function serviceIn(body: string): Service | undefined {
  try {
    return JSON.parse(body) ?? undefined
  } catch {
    return undefined
  }
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}

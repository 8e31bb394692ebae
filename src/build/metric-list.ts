import { Registry } from 'prom-client'
import { type ControlFacts, createControlMetrics, createTrafficMetrics } from '../telemetry/metrics.ts'

/** A metric as its documents name it. */
export interface ListedMetric {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly help: string
  readonly labels: readonly string[]
}

/** Nothing is read from them: metrics are listed here, not collected. */
const noFacts = new Proxy({}, { get: () => () => undefined }) as ControlFacts

/** Every metric that there is, in the order of their names. */
export function listMetrics(): readonly ListedMetric[] {
  const registry = new Registry()
  createTrafficMetrics(registry)
  createControlMetrics(registry, noFacts)
  return registry
    .getMetricsAsArray()
    .map(metric => {
      // prom-client has them, and its types do not.
      const { name, help, type, labelNames } = metric as unknown as {
        name: string
        help: string
        type: ListedMetric['kind']
        labelNames: readonly string[]
      }
      return { name, help, kind: type, labels: labelNames }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

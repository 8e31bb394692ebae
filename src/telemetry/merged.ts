import { AggregatorRegistry } from 'prom-client'

/** Metrics of several data planes (prom-client's JSON) added up to those of one. */
export async function merged(planes: readonly (readonly object[])[]): Promise<readonly object[]> {
  return AggregatorRegistry.aggregate(planes as object[][]).getMetricsAsJSON()
}

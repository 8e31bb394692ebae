import type { TrafficMetrics } from './metrics.ts'

/** Names that are gone keep their numbers until so many others are gone after them. */
const REMEMBERED = 50

/** What of a metric it takes to drop the series of a label's value. */
interface Labelled {
  readonly get: () => Promise<{
    readonly values: readonly { readonly labels: Readonly<Record<string, unknown>> }[]
  }>
  readonly remove: (labels: never) => void
}

/** To be told all names there are, whenever they change. */
type ForgetAllBut = (names: readonly string[]) => Promise<void>

/**
 * Drops what was counted for masters that left long ago: names come and go, and metrics must not grow with them.
 */
export function createMasterForgetter(
  metrics: Pick<TrafficMetrics, 'requests' | 'upstreamDuration' | 'tcpConnectionsTotal'>
): ForgetAllBut {
  const { requests, upstreamDuration, tcpConnectionsTotal } = metrics
  return createForgetter('master', [requests, upstreamDuration, tcpConnectionsTotal])
}

/** The same for pools. */
export function createPoolForgetter(
  metrics: Pick<TrafficMetrics, 'poolRequests' | 'poolQueueDuration' | 'poolShed'>
): ForgetAllBut {
  return createForgetter('pool', [metrics.poolRequests, metrics.poolQueueDuration, metrics.poolShed])
}

function createForgetter(label: string, metrics: readonly Labelled[]): ForgetAllBut {
  let present = new Set<string>()
  const gone = new Set<string>()

  async function forget(name: string): Promise<void> {
    for (const metric of metrics) {
      const { values } = await metric.get()
      for (const { labels } of values) {
        if (labels[label] !== name) continue
        const { le: _, ...rest } = labels
        metric.remove(rest as never)
      }
    }
  }

  return async names => {
    const next = new Set(names)
    for (const name of next) gone.delete(name)
    for (const name of present) if (!next.has(name)) gone.add(name)
    present = next
    for (const name of [...gone].slice(0, Math.max(0, gone.size - REMEMBERED))) {
      gone.delete(name)
      await forget(name)
    }
  }
}

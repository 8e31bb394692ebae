import type { TrafficMetrics } from './metrics.ts'

/** Masters that have left keep their numbers until so many others have left after them. */
const REMEMBERED = 50

/**
 * Drops what was counted for masters that left long ago: names come and go, and metrics must not grow with them. To
 * be told the names of all masters whenever they change.
 */
export function createMasterForgetter(
  metrics: Pick<TrafficMetrics, 'requests' | 'upstreamDuration' | 'tcpConnectionsTotal'>
): (names: readonly string[]) => Promise<void> {
  let present = new Set<string>()
  const gone = new Set<string>()

  async function forget(master: string): Promise<void> {
    for (const metric of [metrics.requests, metrics.upstreamDuration, metrics.tcpConnectionsTotal]) {
      const { values } = await metric.get()
      for (const { labels } of values as readonly { readonly labels: Readonly<Record<string, string>> }[]) {
        if (labels.master !== master) continue
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

import { minorOf } from '../../puppet/agent-version.ts'
import type { AgentCensus } from '../../telemetry/agent-metrics.ts'
import type { Agent } from './agent.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Within which time agents were seen, by the name of the label. */
const windowsMs = { '1h': HOUR_MS, '1d': DAY_MS, '7d': 7 * DAY_MS } as const
/** Within which time certificates end. */
const endsMs = { '7d': 7 * DAY_MS, '30d': 30 * DAY_MS, '90d': 90 * DAY_MS } as const
/** Versions with a label of their own, those of the most agents; clients may say what they like. */
const MOST_VERSIONS = 30

/** Counts agents for metrics. Versions and certificates are those of agents that were seen within 7 days. Pure. */
export function censusOf(agents: Iterable<Agent>, nowMs: number): AgentCensus {
  const seen = createWithin(windowsMs)
  const expiring = createWithin(endsMs)
  const versions = new Map<string | undefined, number>()
  for (const { lastSeenMs, certificateEndsAtMs, version } of agents) {
    seen.count(nowMs - lastSeenMs)
    if (nowMs - lastSeenMs > windowsMs['7d']) continue
    expiring.count(certificateEndsAtMs - nowMs)
    versions.set(version, (versions.get(version) ?? 0) + 1)
  }
  return { seen: seen.counts(), expiring: expiring.counts(), versions: mostOf(byMinor(versions)) }
}

/** Counts values by every limit that they do not exceed, the lowest named first. */
function createWithin(limits: Readonly<Record<string, number>>) {
  const bounds = Object.values(limits)
  /** By the first limit that is not exceeded. */
  const first = bounds.map(() => 0)
  return {
    count(value: number) {
      for (let index = 0; index < bounds.length; index++)
        if (value <= (bounds[index] as number)) {
          first[index] = (first[index] as number) + 1
          return
        }
    },
    counts(): ReadonlyMap<string, number> {
      const upTo = (index: number) => first.slice(0, index + 1).reduce((sum, count) => sum + count, 0)
      return new Map(Object.keys(limits).map((name, index) => [name, upTo(index)]))
    }
  }
}

/** A version is read once, however many agents have it. */
function byMinor(versions: ReadonlyMap<string | undefined, number>): ReadonlyMap<string, number> {
  const minors = new Map<string, number>()
  for (const [version, count] of versions) {
    const minor = minorOf(version) ?? 'unknown'
    minors.set(minor, (minors.get(minor) ?? 0) + count)
  }
  return minors
}

/** The most frequent ones, the rest together as `other`. */
function mostOf(versions: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const byCount = [...versions].sort(([, a], [, b]) => b - a)
  const rest = byCount.slice(MOST_VERSIONS).reduce((sum, [, count]) => sum + count, 0)
  return new Map([...byCount.slice(0, MOST_VERSIONS), ...(rest > 0 ? [['other', rest] as const] : [])])
}

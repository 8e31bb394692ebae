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
  const seen = zeros(windowsMs)
  const expiring = zeros(endsMs)
  const versions = new Map<string | undefined, number>()
  for (const { lastSeenMs, certificateEndsAtMs, version } of agents) {
    countWithin(seen, windowsMs, nowMs - lastSeenMs)
    if (nowMs - lastSeenMs > windowsMs['7d']) continue
    countWithin(expiring, endsMs, certificateEndsAtMs - nowMs)
    versions.set(version, (versions.get(version) ?? 0) + 1)
  }
  return { seen, expiring, versions: mostOf(byMinor(versions)) }
}

function zeros(limits: Readonly<Record<string, number>>): Map<string, number> {
  return new Map(Object.keys(limits).map(name => [name, 0]))
}

/** Adds one to the count of every limit that is not exceeded. */
function countWithin(
  counts: Map<string, number>,
  limits: Readonly<Record<string, number>>,
  value: number
): void {
  for (const name in limits)
    if (value <= (limits[name] as number)) counts.set(name, (counts.get(name) ?? 0) + 1)
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

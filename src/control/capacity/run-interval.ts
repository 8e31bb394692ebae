import type { Agent } from '../agents/agent.ts'

/** Of agents that came twice, so many say how long they pause. */
const LEAST_AGENTS = 10
/** Who was not heard of for so long says nothing about today. */
const RECENT_MS = 24 * 3_600_000

/**
 * The usual time from one run of an agent to its next one, in milliseconds, from end to end; `undefined` while fewer than
 * ten agents came twice. The median: what people start by hand does not count. `isOf`: whether the agents of a master are
 * among those meant.
 */
export function runIntervalMs(
  agents: Iterable<Pick<Agent, 'report' | 'earlierUntilMs' | 'lastSeenMs' | 'master'>>,
  isOf: (master: string) => boolean,
  nowMs: number
): number | undefined {
  const intervals: number[] = []
  for (const { report, earlierUntilMs, lastSeenMs, master } of agents) {
    // A run that goes on has not said yet when it ends.
    if (report === undefined || earlierUntilMs === 0 || nowMs - lastSeenMs > RECENT_MS) continue
    if (master !== undefined && isOf(master)) intervals.push(lastSeenMs - earlierUntilMs)
  }
  if (intervals.length < LEAST_AGENTS) return undefined
  // An array sorts 100,000 of them for ten times as long, and agents may wait for that.
  return Float64Array.from(intervals).sort()[Math.floor(intervals.length / 2)]
}

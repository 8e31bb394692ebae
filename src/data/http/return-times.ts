/** More than an agent can be told; turns beyond it would only be forgotten later. */
const LONGEST_MS = 1_801_000

/** Milliseconds after which an agent that is sent away now should be back, when the queue needs `forecastMs`. */
export type ReturnTimes = (forecastMs: number) => number

/**
 * Gives everyone who is sent away a turn behind those who wait and behind those who were sent away before. Spread over
 * the queue alone, most of a large herd would be sent away again and again, and agents before 6.14 give up after ten
 * times. Each worker sees its share of the agents, so a turn takes that many times as long here.
 */
export function createReturnTimes(deps: {
  readonly now: () => number
  /** Requests that wait now, over all workers. */
  readonly depth: () => number
  readonly workers: number
}): ReturnTimes {
  const { now, depth, workers } = deps
  /** When the last one is to be back. */
  let lastMs = 0
  return forecastMs => {
    const turnMs = (forecastMs / Math.max(1, depth())) * workers
    lastMs = Math.min(Math.max(lastMs, now() + forecastMs) + turnMs, now() + LONGEST_MS)
    return lastMs - now()
  }
}

import { readTimeoutMs } from '../../puppet/agent-version.ts'

/** Of the silence that an agent bears, what it may spend waiting here: the rest is its master's, to work and answer. */
const WAITING_SHARE = 0.9
/** Agents of 4 and 5 bear silence without end. But nothing is to wait here for ever. */
export const LONGEST_WAIT_MS = 3_600_000

/**
 * How long a request waits while nobody can serve it. A node that fails is done without, and a catalog is replaced by the
 * cached one: these are told soon enough that all that a run waits for leaves time within its hour (`runtimeout`). A file
 * or a report has no second source. A CA that restarts is back within minutes; an agent that fails asks anew by itself
 * (`waitforcert`, 2 min).
 */
const AWAY_MS = { replaceable: 300_000, other: 540_000, ca: 300_000 } as const

/** Seconds. Short enough to be back soon after a restart, wide enough that agents do not come back together. */
const RETURN = { soonest: 5, spread: 25 } as const

/**
 * When an agent that is sent away, nobody knows for how long, is to be back. `returns`: how often it does that. All of
 * them together last at least as long as anybody is waited for.
 */
export function returnSpread(returns: number): { readonly minSeconds: number; readonly maxSeconds: number } {
  const share = Math.floor(Math.max(...Object.values(AWAY_MS)) / 1000 / Math.max(1, returns))
  const minSeconds = Math.max(RETURN.soonest, share)
  return { minSeconds, maxSeconds: minSeconds + RETURN.spread }
}

/** How long one request may wait here. Milliseconds. */
export interface Patience {
  /** From when it came, whatever it waits for. */
  readonly longestMs: number
  /** From when it showed that nobody can serve it. */
  readonly awayMs: number
}

/**
 * The patience of a request by its agent's `X-Puppet-Version`: never so long that the agent would have given up.
 * `replaceable`: an agent can do without, as without a node or a catalog.
 */
export function patienceOf(xPuppetVersion: string | undefined, kind: keyof typeof AWAY_MS): Patience {
  const longestMs = Math.min(LONGEST_WAIT_MS, WAITING_SHARE * readTimeoutMs(xPuppetVersion))
  return { longestMs, awayMs: Math.min(longestMs, AWAY_MS[kind]) }
}

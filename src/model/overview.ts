import type { AgentList } from './agents.ts'
import type { Event } from './event.ts'
import type { Status } from './status.ts'

/** How many minutes back the figures of a master go. */
export const workMinutes = 10

/** Minutes of runs that are remembered. */
export const runMinutes = 60

/** All that the status page shows, at one moment. */
export interface Overview {
  /** ISO 8601. */
  readonly at: string
  /** The machine it runs on. */
  readonly hostname: string
  /** Why it is not ready, one sentence; null while it is. */
  readonly notReady: string | null
  readonly status: Status
  /** What each master of `status.masters` does, in the same order. */
  readonly work: readonly MasterWork[]
  readonly refused: Refused
  /** The full minutes of the last hour, oldest first. */
  readonly runs: readonly RunsOfMinute[]
  readonly agents: AgentsSeen
  /** The last ones, newest first. */
  readonly events: readonly Event[]
}

/** How many agents there are, and the first few of those that somebody should look at. */
export interface AgentsSeen {
  readonly seen: { readonly hour: number; readonly day: number }
  readonly failing: AgentList
  /** Certificates that end within 30 days. */
  readonly expiring: AgentList
  readonly slow: AgentList
}

/** What a master does now, and did in the last `workMinutes` or since it came. */
export interface MasterWork {
  /** JRubies that work for agents of this balancer, ghosts included. */
  readonly taken: number
  /** Of these, how many work for an agent that has left. */
  readonly ghosts: number
  /** JRubies that work for others, as the master says. */
  readonly foreign: number
  readonly catalogs: number
  /** Of all catalogs that were asked of any master, 0 to 1; null when there was none. */
  readonly share: number | null
  /** Of its catalogs, how many failed, 0 to 1; null when there was none. */
  readonly failedShare: number | null
  /** What catalogs took that were given; null when there was none. */
  readonly compile: { readonly p50Ms: number; readonly p99Ms: number } | null
}

/** Catalogs of one minute: one is asked for in each run. */
export interface RunsOfMinute {
  /** When it began, ISO 8601. */
  readonly at: string
  /** null: this process did not serve the whole of it. */
  readonly given: number | null
  readonly failed: number | null
}

/** What was refused in the last `workMinutes`. */
export interface Refused {
  /** Requests, for the certificate of their agent. */
  readonly certificates: number
  /** Connections and requests that were one too many. */
  readonly limits: number
}

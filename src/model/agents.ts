/** How a run's last catalog ended. */
export type CatalogEnd = 'given' | 'failed'

/** What the report of a run says of it; `unread`: that could not be read. */
export type ReportSays = 'fine' | 'failed' | 'unread'

/** What one worker saw of one run of an agent. Dates are milliseconds since 1970. */
export interface RunPart {
  readonly certname: string
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly requests: number
  /** Of those, how many failed: answered with 5xx, cut off by a master, or a catalog that was refused. */
  readonly failures: number
  /** Of the last catalog. `undefined`: none was asked for, or its agent was told to come back. */
  readonly catalog: CatalogEnd | undefined
  /** How long the master took for the last catalog that it gave. */
  readonly compileMs: number | undefined
  /** `undefined`: no report was sent, so the run may go on. */
  readonly report: ReportSays | undefined
  readonly version: string | undefined
  readonly environment: string | undefined
  /** Name of the master that had its catalog, or else its last request. */
  readonly master: string | undefined
  readonly certificateEndsAtMs: number
}

/** Why an agent is said to fail: the worst that was seen of its last run. */
export type AgentFailure = 'catalog' | 'report' | 'answers'

/** What is known of an agent, as `/api/agents` tells it. Dates are ISO 8601; what is not known is null. */
export interface AgentStatus {
  readonly certname: string
  readonly lastSeen: string
  /** Of the last run: from its first request to the end of its last one. */
  readonly lastRunSeconds: number
  /** Whether the last run has sent its report. */
  readonly reported: boolean
  /** Of the last catalog that a master gave. */
  readonly compileSeconds: number | null
  /** Of the last run. */
  readonly requests: number
  /** About so many an hour lately, over all runs. */
  readonly requestsPerHour: number
  /** Requests of the last run that failed. */
  readonly failures: number
  /** Null while the last run is fine. */
  readonly failure: AgentFailure | null
  /** Runs in a row that failed, the last one included. */
  readonly failedRuns: number
  readonly version: string | null
  readonly environment: string | null
  readonly master: string | null
  readonly certificateNotAfter: string
}

/** Which agents are wanted, and in which order; without one all by name. */
export const agentFilters = ['expiring', 'slow', 'failing', 'old', 'noisy'] as const
export type AgentFilter = (typeof agentFilters)[number]

/** One question about agents. */
export interface AgentQuery {
  /** Certnames begin with it, as they are written. Empty: all. */
  readonly query: string
  readonly filter: AgentFilter | undefined
  /** For `expiring`. */
  readonly withinDays: number
  /** 1 to `maxListedAgents`. */
  readonly limit: number
  /** How many to leave out at the beginning. */
  readonly offset: number
}

/** So many of an answer at most. */
export const maxListedAgents = 1_000

/** What a question leaves open. */
export const usualAgentQuery: AgentQuery = Object.freeze({
  query: '',
  filter: undefined,
  withinDays: 30,
  limit: 100,
  offset: 0
})

/** An answer: how many there are, and those of them that were asked for. */
export interface AgentList {
  readonly total: number
  readonly agents: readonly AgentStatus[]
}

/** Whole days of `30d`; `undefined` when the text is none, or more than 9,999. */
export function daysIn(text: string): number | undefined {
  const [, days] = /^(\d{1,4})d$/.exec(text) ?? []
  return days === undefined ? undefined : Number(days)
}

import type { FleetLoad } from './fleet-plan.ts'

/** Asks a master to take this many milliseconds for a request. */
export const serviceHeader = 'X-Bench-Service-Ms'

/** What a master says in the body of each answer, padded with spaces. */
export interface Receipt {
  /** As in `X-Puppet-Compiler-Name`. */
  readonly master: string
  /** How long the request had a JRuby. */
  readonly serviceMs: number
  /** When it got the JRuby, in milliseconds since 1970; fractions count. */
  readonly startedAtMs: number
  /** Whether it found all JRubies taken and queued inside the master. */
  readonly isCrowded: boolean
  /** Whether the identity headers of an agent came with it. */
  readonly isVerified: boolean
}

/** What a master answers to the message `work`. */
export interface JrubyWork {
  /** JRuby time since it started, that of requests under way included. */
  readonly workedMs: number
}

/** What the process of the agents can be asked to do; it answers with one `FleetReply`. */
export interface FleetOrder {
  /** Of the balancers: each run goes to one of them, by chance. */
  readonly ports: readonly number[]
  readonly load: FleetLoad
  /** Only so many agents run, which come again the sooner. Default: all. */
  readonly agents?: number
  /** After this long, runs that have not ended are cut and count as failed. */
  readonly limitMs: number
}

/** How one run went, in milliseconds of compressed time. */
export interface RunRecord {
  readonly durationMs: number
  /** Time beyond what the master worked on it. */
  readonly catalogWaitMs: number
  /** Of the requests of pluginsync and of the files. */
  readonly lightWaitsMs: readonly number[]
  /** A content came from another master than its metadata, or a file from another than the catalog. */
  readonly isMixed: boolean
  /** A request of it queued inside a master. */
  readonly isCrowded: boolean
  /** JRuby time of all its requests. */
  readonly serviceMs: number
  /** Why it failed; what it has of the rest counts for nothing then. */
  readonly failure?: string
  /** Why its report was lost: the agent has done its work by then, writes that down and calls it no failure. */
  readonly lostReport?: string
}

export type FleetReply =
  | { readonly type: 'ready' }
  | {
      readonly type: 'done'
      readonly runs: readonly RunRecord[]
      /** How late timers of this process were, 99th percentile: near 0 unless the processors are overloaded. */
      readonly timerLag99Ms: number
      readonly elapsedMs: number
    }
  | { readonly type: 'failed'; readonly message: string }

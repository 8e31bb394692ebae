/**
 * How a request's master was to be chosen: `certname` is the rendezvous order of the agent's certname, `content`
 * that of a filebucket's checksum, `none` that the balancer answered by itself; else the policy's name.
 */
export type Rule = 'none' | 'ca' | 'every-master' | 'certname' | 'content' | 'policy'

/** A master as it looked when a request was to be given to one. */
export interface Candidate {
  readonly master: string
  /** Requests open there, those of others included. */
  readonly open: number
  /** JRubies at work, those for others included. */
  readonly busy: number
  /** Its JRubies: requests it may run at once. */
  readonly capacity: number
  /** While it starts slowly: how many of its JRubies it is to use as long as others have room. */
  readonly started?: number | undefined
  /** Catalogs that it failed too soon and that count as if they still ran; where there are any. */
  readonly failed?: number | undefined
  readonly weight: number
  /** What is open and what counts as such, for each JRuby (that is started), divided by the weight: `least-loaded` takes the smallest. */
  readonly score: number
  /** Its place in the order of the agent's name, 1 first; where that order decides. */
  readonly place?: number | undefined
}

/** One master's turn at a request. */
export interface Attempt {
  readonly master: string
  /** `open`, `complete`, `agent-gone`, or why it failed. */
  readonly end: string
  readonly ms: number
}

/** A route that took a request. */
export interface DecidingRoute {
  /** In the list, 1 first. */
  readonly number: number
  /** `FILE:LINE`. */
  readonly place: string
  /** In words. */
  readonly conditions: string
  readonly pool: string
  readonly otherwise?: string | undefined
}

/** Why a request went where it went. */
export interface Reasons {
  /** As in `Rule`, `policy` being replaced by the name of the policy. */
  readonly rule: string
  /** The master the agent was pinned to. */
  readonly pinned?: string | undefined
  /** The pool whose masters these are. Left out without routes. */
  readonly pool?: string | undefined
  /** The route that took it. Left out when none did. */
  readonly route?: DecidingRoute | undefined
  /** Those of the best tier, when the first master was chosen. */
  readonly candidates: readonly Candidate[]
  readonly tried: readonly Attempt[]
  /** How many attempts are left out behind the first `firstTurns`, when there were very many. */
  readonly leftOut?: number
}

/** Of very many attempts, how many of the first are told beside the last. */
export const firstTurns = 8

/** All that is told about one request. Milliseconds are rounded to a tenth. */
export interface Explanation extends Reasons {
  readonly id: string
  /** Address of the agent. */
  readonly remote?: string | undefined
  readonly certname?: string | undefined
  readonly class: string
  readonly queueMs: number
  readonly durationMs: number
  /** How long ago it came. */
  readonly ageMs: number
  readonly status?: number | undefined
  /** As in the access log; `open` while it goes on. */
  readonly end: string
  /** Of an answer of the balancer's own: what its code does not say. */
  readonly cause?: string | undefined
}

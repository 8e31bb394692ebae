import type { ReasonCode } from '../../model/errors.ts'
import type { Rule } from '../../model/explanation.ts'
import type { Outcome } from '../../model/messages.ts'
import type { Master } from '../../model/snapshot.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import type { Upstream } from '../../upstream/pools.ts'
import type { Decisions } from '../history.ts'
import type { Exchange } from './exchange.ts'
import type { Responder } from './respond.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { Rank, SlotQueue } from './wait.ts'

/** What a request that needs a JRuby asks for. */
export interface SlotNeed {
  readonly rank: Rank
  /** Told to come back later, its agent does. */
  readonly comesBack: boolean
  /** The master it should stay on, or -1. */
  readonly pinned: () => number
  /** Called with the master whose JRuby it got. */
  readonly chosen: (master: Master) => void
}

/** One request to be brought to a master. */
export interface Errand {
  readonly exchange: Exchange
  /** What masters are told about the agent, as a flat list of header names and values. */
  readonly identity: readonly string[]
  /** May be sent once more after a master had it and broke off. */
  readonly repeatable: boolean
  /** What `next` goes by. */
  readonly rule: Rule
  /** The next master to try, given the indexes of those tried; `undefined` when there is none. */
  readonly next: (tried: readonly number[]) => Master | undefined
  /** What to say when nobody is left to try. */
  readonly nobody: ReasonCode
  /** `undefined` for what needs no JRuby and never waits for one. */
  readonly slot: SlotNeed | undefined
}

/** What the forwarding of a worker's requests works with. */
export interface ForwardDeps {
  readonly metrics: TrafficMetrics
  readonly responder: Responder
  readonly now: () => number
  readonly upstreamOf: (master: Master) => Upstream
  /** Charges and frees a request at a master on the board. */
  readonly begin: (master: Master) => void
  readonly end: (master: Master) => void
  readonly report: (outcome: Outcome) => void
  readonly slots: SlotQueue
  readonly masterAt: (index: number) => Master
  /** Whether a master could take one more request now. */
  readonly hasRoom: (master: Master) => boolean
  readonly budget: RetryBudget
  readonly decisions: Decisions
}

import type { Eligible } from '../../balance/eligibility.ts'
import type { Rank } from '../../balance/queue-order.ts'
import type { ProxyError, ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import type { Outcome } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { Claimant } from '../../shared/slots/types.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import type { Upstream } from '../../upstream/pools.ts'
import type { RequestHistory } from '../history.ts'
import type { MasterNews } from './attempt.ts'
import type { RequestBody } from './body.ts'
import type { BodyRoom } from './body-room.ts'
import type { CaCopy } from './ca-documents.ts'
import type { CaPlaces } from './ca-places.ts'
import type { Sighted } from './code-sightings.ts'
import type { Exchange } from './exchange.ts'
import type { RequestsUnderWay } from './moving-on.ts'
import type { Outage } from './outage.ts'
import type { AddCompileMs, AddResult } from './outcome.ts'
import type { Patience } from './patience.ts'
import type { Responder } from './respond.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { WaitingRoom } from './slot-request.ts'

/** How a request is brought to a master: what is left of its plan when it comes to that. */
export interface Delivery {
  readonly exchange: Exchange
  /** What masters are told about the agent, as a flat list of header names and values. */
  readonly identity: readonly string[]
  readonly repeatable: boolean
  /** For the history: how its master is chosen. */
  readonly rule: string
  /** The number of the pool that it waits for by now. Default: 0. */
  readonly queue?: () => number
  /** The name of that pool, where there are several. */
  readonly pool?: () => string | undefined
  /** Its body is in hand, and may say where it goes: how it is refused, if it is. */
  readonly bodyInHand?: ((body: RequestBody) => ProxyError | undefined) | undefined
  /** Who may have it, given the ids of those tried; `undefined` when nobody is left. */
  readonly eligible: (tried: readonly number[]) => Eligible | undefined
  readonly pick: (candidates: readonly Master[]) => Master | undefined
  /** What to say when nobody is left to try. */
  readonly nobody: ReasonCode
  /** `undefined` for what never waits for a JRuby. */
  readonly slot: SlotNeed | undefined
  /** It waits while nobody can serve it, if its agent would not come back often enough. */
  readonly waits: boolean
  /** Told to come back later, its agent does. */
  readonly comesBack: () => boolean
  /** And so often that no outage outlasts it. */
  readonly outlasts: () => boolean
  /** How long it may wait. */
  readonly patience: () => Patience
  /** Whom to ask rather than refuse it without having asked anybody. */
  readonly lastResort?: () => Master | undefined
  /** It reads a document of the CA, and is answered from the copy when the CA does not answer. */
  readonly copy?: CaCopy | undefined
}

/** What a request that needs a JRuby asks for. */
export interface SlotNeed {
  readonly rank: Rank
  /** False: it goes to a master without one, unless it had to wait for a master to come back. */
  readonly isNeeded: boolean
  /** As whom it is counted. `undefined`: it is not. */
  readonly claimant?: Claimant | undefined
  /** Most that may wait in its queue. */
  readonly limit: number
  readonly timeoutMs: number
  /** Bytes that bodies may have in memory, over all workers. */
  readonly memoryBytes: number
  /** Told to come back later, its agent does, and loses nothing by it. */
  readonly comesBack: boolean
  /** Called with the master whose JRuby it got. */
  readonly chosen: (master: Master) => void
  /** Called with a master that failed the catalog it was asked for. */
  readonly failed: (master: Master) => void
}

/** What the delivery of a worker's requests works with. */
export interface DispatchDeps extends Pick<Runtime, 'now' | 'schedule' | 'random'> {
  readonly metrics: TrafficMetrics
  readonly responder: Responder
  readonly upstreamOf: (master: Master) => Upstream
  /** Charges and frees a request at a master on the board. */
  readonly begin: (master: Master) => void
  readonly end: (master: Master) => void
  readonly report: (outcome: Outcome) => void
  readonly addResult: AddResult
  readonly addCompileMs: AddCompileMs
  readonly snapshot: () => Snapshot
  readonly news: MasterNews
  /** Beside the listener of an attempt: what catalogs show of their code. */
  readonly sighted: Sighted
  readonly underWay: RequestsUnderWay
  readonly waitingRoom: WaitingRoom
  readonly caPlaces: CaPlaces
  /** By the number of a pool. */
  readonly outages: { readonly masters: (queue: number) => Outage; readonly ca: Outage }
  readonly bodyRoom: BodyRoom
  /** Whether a master could take one more request now. */
  readonly hasRoom: (master: Master) => boolean
  /** By the number of a pool: one that fails takes nothing from the others. */
  readonly budgetOf: (queue: number) => RetryBudget
  readonly history: RequestHistory
}

import { type Eligible, only, type PoolInForce } from '../../balance/eligibility.ts'
import { byRendezvous } from '../../balance/rendezvous.ts'
import type { Goal } from '../../balance/routes.ts'
import { ProxyError } from '../../model/errors.ts'
import { certnameIn } from '../../model/pool.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { outlastsOutages, understandsRetryAfter } from '../../puppet/agent-version.ts'
import { hasRunFailed, isReport, REPORT_HEAD_BYTES } from '../../puppet/report.ts'
import type { PinTable } from '../../shared/pins.ts'
import type { Identity } from '../accept/identity.ts'
import type { RequestBody } from './body.ts'
import { claimantOf } from './claimant.ts'
import type { Delivery, SlotNeed } from './delivery.ts'
import { type Destination, type DestinationDeps, destinationOf } from './destination.ts'
import type { Exchange } from './exchange.ts'
import { patienceOf } from './patience.ts'
import type { MasterPlan } from './plan.ts'
import { puppetVersionOf, type Responder } from './respond.ts'
import type { ReturnTimes } from './return-times.ts'

export interface ToMasterDeps extends DestinationDeps {
  readonly responder: Pick<Responder, 'refuse'>
  readonly snapshot: () => Snapshot
  /** Most requests that may wait in a queue now. */
  readonly queueLimit: () => number
  readonly now: () => number
  /** Of the hash by which certnames are counted. */
  readonly seed: number
  readonly pins: PinTable
  /** The agent of this request was pinned anew, which must be known wherever it goes next. */
  readonly onPinned: (exchange: Exchange) => void
  /** Milliseconds until those who wait now in a queue would all be served. */
  readonly forecastMs: (queue: number) => number
  readonly returnTimes: ReturnTimes
  readonly dispatch: (delivery: Delivery) => void
}

/**
 * Serves a request by one of the masters, or sends its agent away for a while. Where it goes may be in its body: then
 * that is seen once it is in hand.
 */
export function serveByMaster(
  exchange: Exchange,
  identity: Identity,
  plan: MasterPlan,
  deps: ToMasterDeps
): void {
  const destination = destinationOf(exchange, identity, plan, deps)
  const overload = destination.isKnown() ? overloadOf(exchange, plan, destination.pool(), deps) : undefined
  if (overload) deps.responder.refuse(exchange, overload)
  else deps.dispatch(toMaster(exchange, identity, plan, destination, deps))
}

function toMaster(
  exchange: Exchange,
  identity: Identity,
  plan: MasterPlan,
  destination: Destination,
  deps: ToMasterDeps
): Delivery {
  const { generation, certname } = exchange
  const { goal, pool } = destination
  const { rule, key, pin } = plan
  const choice = { key }
  const policy = rule === 'policy' ? generation.policy : byRendezvous
  const pinned = () =>
    pin.follows && certname !== undefined ? deps.pins.get(certnameIn(goal().pool, certname), deps.now()) : -1
  // The snapshot is read anew for each attempt: after a compile of minutes the old one is history.
  const eligible = (tried: readonly number[]) =>
    deps.eligibility().of({ pinned: pinned(), tried, goal: goal() })
  return {
    exchange,
    identity: identity.headers,
    repeatable: plan.repeatable,
    queue: () => pool().queue,
    pool: () => (deps.snapshot().pools ? goal().pool : undefined),
    bodyInHand: readerOf(exchange, plan, destination, deps),
    rule: rule === 'policy' ? generation.policyName : rule,
    eligible: rule === 'content' ? tried => ownerOf(eligible(tried), key) : eligible,
    pick: candidates => policy(candidates, choice),
    nobody: 'no-master',
    slot: slotNeed(exchange, plan, goal, deps),
    waits: plan.waits,
    comesBack: () => understandsRetryAfter(puppetVersionOf(exchange.request)),
    outlasts: () => outlastsOutages(puppetVersionOf(exchange.request)),
    patience: () => patienceOf(puppetVersionOf(exchange.request), plan.deferrable ? 'replaceable' : 'other')
  }
}

/** What is read of its body: where it goes, if that is not known yet, and how a run went. */
function readerOf(
  exchange: Exchange,
  plan: MasterPlan,
  destination: Destination,
  deps: ToMasterDeps
): Delivery['bodyInHand'] {
  const mayReport = plan.class === 'report'
  const isKnown = destination.isKnown()
  if (isKnown && !mayReport) return undefined
  return body => {
    if (mayReport) readReport(exchange, body)
    if (isKnown) return undefined
    destination.read(body)
    return overloadOf(exchange, plan, destination.pool(), deps)
  }
}

function readReport(exchange: Exchange, body: RequestBody): void {
  if (!isReport(exchange.request.url as string)) return
  exchange.hasRunFailed = hasRunFailed(body.head(REPORT_HEAD_BYTES).bytes.toString('latin1'))
}

/** Content must be found again where it was stored: it waits for its master however full that is. */
function ownerOf(eligible: Eligible | undefined, key: string): Eligible | undefined {
  const owner = eligible && byRendezvous(eligible.candidates, { key })
  return owner && only(owner)
}

function slotNeed(
  exchange: Exchange,
  { rank, pin, deferrable, waits }: MasterPlan,
  goal: () => Goal,
  { pins, onPinned, now, seed, queueLimit }: ToMasterDeps
): SlotNeed | undefined {
  const { certname, request, generation } = exchange
  const { settings, administrators, pools } = generation
  if (rank === undefined && !waits) return undefined
  return {
    rank: rank ?? 'light',
    isNeeded: rank !== undefined,
    claimant: claimantOf(certname, administrators, seed),
    memoryBytes: settings.listen.limits.memoryBytes,
    limit: queueLimit(),
    timeoutMs: settings.queue.timeoutMs,
    comesBack: deferrable && understandsRetryAfter(puppetVersionOf(request)),
    chosen(master) {
      if (certname === undefined) return
      if (pin.pins) {
        pins.set(certnameIn(goal().pool, certname), master.id, now())
        onPinned(exchange)
      } else if (pin.ends)
        // The run is over, whichever pool had what of it.
        for (const pool of pools) pins.remove(certnameIn(pool, certname))
    },
    failed({ id }) {
      // Its next run, and the files of the catalog it may have kept, are not bound to this master.
      if (certname === undefined) return
      const pinned = certnameIn(goal().pool, certname)
      if (pins.get(pinned, now()) === id) pins.remove(pinned)
    }
  }
}

/** Sends an agent that comes back away for a while when the queue of its pool would take too long. */
function overloadOf(
  exchange: Exchange,
  { deferrable }: MasterPlan,
  pool: PoolInForce,
  deps: ToMasterDeps
): ProxyError | undefined {
  if (!deferrable || !understandsRetryAfter(puppetVersionOf(exchange.request))) return undefined
  const waitMs = deps.forecastMs(pool.queue)
  if (waitMs <= exchange.generation.settings.queue.shedAboveMs) return undefined
  const returnSeconds = deps.returnTimes(waitMs, exchange.certname, pool) / 1000
  return new ProxyError('overloaded', undefined, { returnSeconds })
}

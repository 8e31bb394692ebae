import { type Eligibility, type Eligible, only } from '../../balance/eligibility.ts'
import { byRendezvous } from '../../balance/rendezvous.ts'
import { ProxyError } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { outlastsOutages, understandsRetryAfter } from '../../puppet/agent-version.ts'
import type { PinTable } from '../../shared/pins.ts'
import { type Identity, refusalOf } from '../accept/identity.ts'
import { hasBody } from './body.ts'
import { claimantOf } from './claimant.ts'
import type { Delivery, SlotNeed } from './delivery.ts'
import type { Exchange } from './exchange.ts'
import { asksToUpgrade, framingFault } from './framing.ts'
import { oversizeBytes } from './head-size.ts'
import { hasOneHost } from './host-header.ts'
import { patienceOf } from './patience.ts'
import { allowedMethods, type CaPlan, type MasterPlan, type Plan, planOf } from './plan.ts'
import { originForm } from './request-target.ts'
import { puppetVersionOf, type Responder } from './respond.ts'
import type { ReturnTimes } from './return-times.ts'

export interface ServeDeps {
  readonly responder: Responder
  readonly snapshot: () => Snapshot
  readonly eligibility: () => Eligibility
  readonly revoked: () => RevokedSet
  readonly wallClock: () => number
  readonly now: () => number
  /** Of the hash by which certnames are counted. */
  readonly seed: number
  readonly pins: PinTable
  /** Milliseconds until those who wait now would all be served. */
  readonly forecastMs: () => number
  readonly returnTimes: ReturnTimes
  readonly dispatch: (delivery: Delivery) => void
  /** The answer to this request is the last on its connection, and nothing behind it is read as a request. */
  readonly endConversation: (exchange: Exchange) => void
  readonly fanOut: (exchange: Exchange, identity: Identity) => void
}

/** Serves one request: whoever may not is refused, everything else goes the way of its plan. */
export function serve(exchange: Exchange, identity: Identity, deps: ServeDeps): void {
  const { responder } = deps
  const { request, generation } = exchange
  const fault = framingFault(request)
  if (fault !== undefined) {
    deps.endConversation(exchange)
    responder.refuse(exchange, new ProxyError('bad-request', fault))
    return
  }
  if (asksToUpgrade(request)) deps.endConversation(exchange)
  request.url = originForm(request.url as string)
  if (!hasOneHost(request)) {
    responder.refuse(exchange, new ProxyError('bad-request', 'it must name one host'))
    return
  }
  const refusal = refusalOf(identity, deps.revoked(), deps.wallClock())
  if (refusal !== undefined) {
    // Its agent may be welcome by now, when the CAs are others, but a connection is judged at its handshake. While a
    // body comes it stays open: the answer would get lost.
    if (!hasBody(request)) exchange.response.setHeader('connection', 'close')
    responder.refuse(exchange, new ProxyError('certificate-refused', refusal))
    return
  }
  exchange.certname = identity.certname
  const plan = planOf(
    {
      method: request.method as string,
      target: request.url as string,
      userAgent: request.headers['user-agent'],
      certname: identity.certname,
      remote: exchange.remote
    },
    generation
  )
  exchange.class = plan.class
  if (goesToMaster(plan) && isTooLarge(exchange, identity, deps)) return
  switch (plan.action) {
    case 'refuse':
      responder.refuse(exchange, new ProxyError(plan.code, plan.detail))
      return
    case 'pool-status':
      answerForPool(exchange, deps)
      return
    case 'own-options':
      exchange.response.setHeader('allow', allowedMethods)
      responder.answer(exchange, 204, '')
      return
    case 'every-master':
      deps.fanOut(exchange, identity)
      return
    case 'ca':
      deps.dispatch(toCa(exchange, identity, plan, deps))
      return
    case 'master':
      if (!mustDefer(exchange, plan, deps)) deps.dispatch(toMaster(exchange, identity, plan, deps))
  }
}

function goesToMaster({ action }: Plan): boolean {
  return action === 'master' || action === 'ca' || action === 'every-master'
}

/** Refuses what a master would not take with the identity added: before it waits for one, and takes its JRuby. */
function isTooLarge(exchange: Exchange, identity: Identity, { responder, snapshot }: ServeDeps): boolean {
  const limit = exchange.generation.settings.upstream.headerLimitBytes
  const bytes = oversizeBytes(exchange.request, identity.headers, limit, () => longestHost(snapshot()))
  if (bytes === undefined) return false
  const detail = `with the identity that is added they are ${bytes} bytes, and masters take ${limit}`
  responder.refuse(exchange, new ProxyError('headers-too-large', detail))
  return true
}

/** Of the masters' names, with their ports. */
function longestHost({ masters, ca }: Snapshot): string {
  const hosts = [...masters, ca].map(({ url }) => url.replace(/^\w+:\/\//, ''))
  return hosts.reduce((longest, host) => (host.length > longest.length ? host : longest))
}

/** To the CA master and nobody else, once. */
function toCa(exchange: Exchange, identity: Identity, { waits }: CaPlan, { snapshot }: ServeDeps): Delivery {
  const version = puppetVersionOf(exchange.request)
  const outlasts = outlastsOutages(version)
  // Who can wait believes the probes; for anybody else it is tried all the same.
  const mayAsk = () => snapshot().isCaUp || outlasts || !waits
  return {
    exchange,
    identity: identity.headers,
    repeatable: false,
    rule: 'ca',
    // Whoever the CA is by now, but not a second time.
    eligible: tried => (tried.length === 0 && mayAsk() ? only(snapshot().ca) : undefined),
    pick: first,
    nobody: 'ca-unavailable',
    slot: undefined,
    waits,
    comesBack: () => understandsRetryAfter(version),
    outlasts: () => outlasts,
    patience: () => patienceOf(version, 'ca'),
    lastResort: () => snapshot().ca
  }
}

function toMaster(exchange: Exchange, identity: Identity, plan: MasterPlan, deps: ServeDeps): Delivery {
  const { generation, certname } = exchange
  const { rule, key, pin } = plan
  const choice = { key }
  const policy = rule === 'policy' ? generation.policy : byRendezvous
  const pinned = () => (pin.follows && certname !== undefined ? deps.pins.get(certname, deps.now()) : -1)
  // The snapshot is read anew for each attempt: after a compile of minutes the old one is history.
  const eligible = (tried: readonly number[]) => deps.eligibility().of({ pinned: pinned(), tried })
  return {
    exchange,
    identity: identity.headers,
    repeatable: plan.repeatable,
    rule: rule === 'policy' ? generation.policyName : rule,
    eligible: rule === 'content' ? tried => ownerOf(eligible(tried), key) : eligible,
    pick: candidates => policy(candidates, choice),
    nobody: 'no-master',
    slot: slotNeed(exchange, plan, deps),
    waits: plan.waits,
    comesBack: () => understandsRetryAfter(puppetVersionOf(exchange.request)),
    outlasts: () => outlastsOutages(puppetVersionOf(exchange.request)),
    patience: () => patienceOf(puppetVersionOf(exchange.request), plan.deferrable ? 'replaceable' : 'other')
  }
}

/** Content must be found again where it was stored: it waits for its master however full that is. */
function ownerOf(eligible: Eligible | undefined, key: string): Eligible | undefined {
  const owner = eligible && byRendezvous(eligible.candidates, { key })
  return owner && only(owner)
}

function slotNeed(
  { certname, request, generation: { settings, administrators } }: Exchange,
  { rank, pin, deferrable, waits }: MasterPlan,
  { pins, now, seed }: ServeDeps
): SlotNeed | undefined {
  if (rank === undefined && !waits) return undefined
  return {
    rank: rank ?? 'light',
    isNeeded: rank !== undefined,
    claimant: claimantOf(certname, administrators, seed),
    memoryBytes: settings.listen.limits.memoryBytes,
    limit: settings.queue.limit,
    timeoutMs: settings.queue.timeoutMs,
    comesBack: deferrable && understandsRetryAfter(puppetVersionOf(request)),
    chosen(master) {
      if (certname === undefined) return
      if (pin.pins) pins.set(certname, master.id, now())
      else if (pin.ends) pins.remove(certname)
    },
    failed({ id }) {
      // Its next run, and the files of the catalog it may have kept, are not bound to this master.
      if (certname !== undefined && pins.get(certname, now()) === id) pins.remove(certname)
    }
  }
}

/** Sends an agent that comes back away for a while when the queue would take too long. */
function mustDefer(exchange: Exchange, { deferrable }: MasterPlan, deps: ServeDeps): boolean {
  if (!deferrable || !understandsRetryAfter(puppetVersionOf(exchange.request))) return false
  const waitMs = deps.forecastMs()
  if (waitMs <= exchange.generation.settings.queue.shedAboveMs) return false
  const returnSeconds = deps.returnTimes(waitMs, exchange.certname) / 1000
  deps.responder.refuse(exchange, new ProxyError('overloaded', undefined, { returnSeconds }))
  return true
}

/**
 * What Puppet Server's own `simple` status says, for the pool. Without Retry-After even when nobody serves: an
 * agent with a `server_list` must go on to its next server at once.
 */
function answerForPool(exchange: Exchange, { snapshot, responder }: ServeDeps): void {
  if (snapshot().tiers.length > 0) responder.answer(exchange, 200, 'running')
  else responder.answer(exchange, 503, 'error', { reason: 'no-master' })
}

function first(candidates: readonly Master[]): Master | undefined {
  return candidates[0]
}

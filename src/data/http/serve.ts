import { only } from '../../balance/eligibility.ts'
import { goalOf, toDefault } from '../../balance/routes.ts'
import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import type { RevokedSet } from '../../model/messages.ts'
import { canServe, type Snapshot } from '../../model/snapshot.ts'
import { outlastsOutages, understandsRetryAfter } from '../../puppet/agent-version.ts'
import { type Identity, refusalOf } from '../accept/identity.ts'
import { areListsAwaited, believe } from './believed.ts'
import { hasBody } from './body.ts'
import { type CaCopyDeps, caCopyFor } from './ca-documents.ts'
import type { Delivery } from './delivery.ts'
import type { Exchange } from './exchange.ts'
import { asksToUpgrade, framingFault } from './framing.ts'
import { oversizeBytes } from './head-size.ts'
import { hasOneHost } from './host-header.ts'
import { patienceOf } from './patience.ts'
import { allowedMethods, type CaPlan, type Plan, planOf } from './plan.ts'
import { originForm } from './request-target.ts'
import { puppetVersionOf, type Responder } from './respond.ts'
import { serveByMaster, type ToMasterDeps } from './to-master.ts'

export interface ServeDeps extends ToMasterDeps, CaCopyDeps {
  readonly responder: Responder
  readonly revoked: () => RevokedSet
  readonly wallClock: () => number
  /** The answer to this request is the last on its connection, and nothing behind it is read as a request. */
  readonly endConversation: (exchange: Exchange) => void
  readonly fanOut: (exchange: Exchange, identity: Identity) => void
}

/** Serves one request: whoever may not is refused, everything else goes the way of its plan. */
export function serve(exchange: Exchange, shown: Identity, deps: ServeDeps): void {
  const { responder } = deps
  const { request } = exchange
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
  const refusal = refusalOf(shown, deps.revoked(), deps.wallClock())
  if (refusal !== undefined) {
    // Its agent may be welcome by now, when the CAs are others, but a connection is judged at its handshake. While a
    // body comes it stays open: the answer would get lost.
    if (!hasBody(request)) exchange.response.setHeader('connection', 'close')
    responder.refuse(exchange, new ProxyError('certificate-refused', refusal))
    return
  }
  exchange.certname = shown.certname
  exchange.certificateEndsAtMs = shown.notAfterMs
  const { identity, rules, isUnknown } = believe(exchange, shown, deps.revoked())
  const plan = planOf(
    {
      method: request.method as string,
      target: request.url as string,
      userAgent: request.headers['user-agent'],
      certname: identity.certname,
      remote: exchange.remote
    },
    rules
  )
  exchange.class = plan.class
  if (isUnknown && plan.action === 'refuse' && isForCertificates(plan.code)) {
    responder.refuse(exchange, new ProxyError('revocations-unknown'))
    return
  }
  if (goesToMaster(plan) && isTooLarge(exchange, identity, deps)) return
  switch (plan.action) {
    case 'refuse':
      responder.refuse(exchange, new ProxyError(plan.code, plan.detail))
      return
    case 'pool-status':
      answerForPool(exchange, identity, deps)
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
      serveByMaster(exchange, identity, plan, deps)
  }
}

/** Whether somebody with a certificate might have been served. */
function isForCertificates(code: ReasonCode): boolean {
  return code === 'certificate-required' || code === 'admin-refused'
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

/** To the CA master and nobody else, once. What is answered from a copy otherwise believes the probes, and waits for nothing. */
function toCa(exchange: Exchange, identity: Identity, plan: CaPlan, deps: ServeDeps): Delivery {
  const { snapshot } = deps
  const version = puppetVersionOf(exchange.request)
  const outlasts = outlastsOutages(version)
  const copy = caCopyFor(exchange, deps)
  const hasCopy = () => copy?.isThere() ?? false
  const waits = plan.waits && !hasCopy()
  // Who can wait believes the probes as well; for anybody else it is tried all the same.
  const mayAsk = () => snapshot().isCaUp || (!hasCopy() && (outlasts || !waits))
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
    lastResort: () => (hasCopy() ? undefined : snapshot().ca),
    copy
  }
}

/**
 * What Puppet Server's own `simple` status says, for the pool. Without Retry-After even when nobody serves: an
 * agent with a `server_list` must go on to its next server at once.
 */
function answerForPool(exchange: Exchange, identity: Identity, deps: ServeDeps): void {
  const { responder } = deps
  if (exchange.request.method === 'OPTIONS') exchange.response.setHeader('allow', allowedMethods)
  // An agent with a `server_list` is to go on to another balancer.
  if (areListsAwaited(exchange.generation, deps.revoked())) {
    responder.answer(exchange, 503, 'error', { reason: 'revocations-unknown' })
  } else if (isAnybodyThereFor(exchange, identity, deps)) responder.answer(exchange, 200, 'running')
  else responder.answer(exchange, 503, 'error', { reason: 'no-master' })
}

/** Whether the catalogs of an agent would find a master, or anybody's where it shows no certificate. */
function isAnybodyThereFor(
  { request, generation: { rulesFor, settings } }: Exchange,
  identity: Identity,
  { snapshot, eligibility }: ServeDeps
): boolean {
  if (!rulesFor || identity.certname === undefined) {
    return canServe(snapshot(), settings.listen.tcp)
  }
  const goal = goalOf(rulesFor(identity, request.socket), 'catalog', () => undefined)
  return eligibility().poolFor(goal ?? toDefault).tier.length > 0
}

function first(candidates: readonly Master[]): Master | undefined {
  return candidates[0]
}

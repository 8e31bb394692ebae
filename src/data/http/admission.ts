import { pinUseOf } from '../../balance/affinity.ts'
import { choose, type Policy } from '../../balance/policy.ts'
import { rendezvous } from '../../balance/rendezvous.ts'
import { ProxyError } from '../../model/errors.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { Affinity } from '../../model/settings.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import { understandsRetryAfter } from '../../puppet/agent-version.ts'
import { classify, type Endpoint } from '../../puppet/endpoint.ts'
import { checkPath } from '../../puppet/path.ts'
import type { PinTable } from '../../shared/pins.ts'
import { type Identity, refusalOf } from '../accept/identity.ts'
import type { Errand, SlotNeed } from './errand.ts'
import type { Exchange } from './exchange.ts'
import type { Responder } from './respond.ts'
import type { Returns } from './return-times.ts'
import { rankOf } from './wait.ts'

/** What Puppet and its tools use. TRACE above all stays out: its answer would tell a client the identity headers. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

/** Filebucket contents must be found again where they were stored, whatever policy the rest follows. */
const byKey = rendezvous({ load: () => 0, random: () => 0 })

export interface AdmissionDeps {
  readonly responder: Responder
  readonly policy: Policy
  readonly snapshot: () => Snapshot
  readonly revoked: () => RevokedSet
  /** Certnames that may call administrative endpoints. */
  readonly allowed: ReadonlySet<string>
  readonly nextTicket: () => number
  readonly wallClock: () => number
  readonly now: () => number
  readonly affinity: Affinity
  readonly pins: PinTable
  /** Milliseconds until those who wait now would all be served. */
  readonly forecastMs: () => number
  readonly shedAboveMs: number
  readonly returns: Returns
  readonly forward: (errand: Errand) => void
  readonly fanOut: (exchange: Exchange, identity: Identity) => void
}

/** Decides what becomes of a request: refused, answered here, sent to every master, or to one of several. */
export function admit(exchange: Exchange, identity: Identity, deps: AdmissionDeps): void {
  const refusal = refusalOf(identity, deps.revoked(), deps.wallClock())
  if (refusal !== undefined) {
    deps.responder.refuse(exchange, new ProxyError('certificate-refused', refusal))
    return
  }
  exchange.certname = identity.certname
  const { request } = exchange
  if (!methods.has(request.method as string)) {
    deps.responder.refuse(exchange, new ProxyError('bad-method'))
    return
  }
  const target = request.url as string
  const problem = checkPath(target)
  if (problem !== undefined) {
    deps.responder.refuse(exchange, new ProxyError('bad-path', `it ${problem}`))
    return
  }
  const endpoint = classify(request.method as string, target, request.headers['user-agent'])
  exchange.class = endpoint.class
  if (endpoint.restricted && !(identity.certname !== undefined && deps.allowed.has(identity.certname))) {
    deps.responder.refuse(exchange, new ProxyError('admin-refused'))
    return
  }
  const snapshot = deps.snapshot()
  switch (endpoint.action) {
    case 'refuse':
      deps.responder.refuse(exchange, new ProxyError('not-served'))
      return
    case 'pool-status':
      answerForPool(exchange, snapshot, deps.responder)
      return
    case 'every-master':
      deps.fanOut(exchange, identity)
      return
    case 'ca':
      deps.forward({
        exchange,
        identity: identity.headers,
        repeatable: false,
        rule: 'ca',
        next: tried => (tried.length === 0 ? snapshot.ca : undefined),
        nobody: 'ca-unavailable',
        slot: undefined
      })
      return
    case 'master': {
      const comesBack = endpoint.deferrable && isPatient(exchange)
      if (comesBack && mustDefer(exchange, deps)) return
      deps.forward({
        exchange,
        identity: identity.headers,
        repeatable: endpoint.repeatable,
        ...nextMaster(exchange, endpoint, deps),
        nobody: 'no-master',
        slot: slotNeed(exchange, endpoint, comesBack, deps)
      })
    }
  }
}

function isPatient({ request }: Exchange): boolean {
  const version = request.headers['x-puppet-version']
  return understandsRetryAfter(typeof version === 'string' ? version : undefined)
}

/** Sends an agent that comes back away for a while when the queue would take too long. */
function mustDefer(
  exchange: Exchange,
  { forecastMs, shedAboveMs, returns, responder }: AdmissionDeps
): boolean {
  const waitMs = forecastMs()
  if (waitMs <= shedAboveMs) return false
  responder.refuse(
    exchange,
    new ProxyError('overloaded', undefined, { returnSeconds: returns(waitMs) / 1000 })
  )
  return true
}

function nextMaster(
  exchange: Exchange,
  endpoint: Endpoint,
  deps: AdmissionDeps
): Pick<Errand, 'rule' | 'next'> {
  const choice = {
    key: endpoint.pinKey ?? exchange.certname ?? exchange.remote ?? '',
    ticket: deps.nextTicket()
  }
  const isOwnMaster = startsOnOwnMaster(exchange, deps)
  const rule = endpoint.pinKey !== undefined ? 'content' : isOwnMaster ? 'certname' : 'policy'
  const policy = rule === 'policy' ? deps.policy : byKey
  // The snapshot is read anew for each attempt: after a compile of minutes the old one is history.
  return { rule, next: tried => choose(policy, deps.snapshot().tiers, choice, tried) }
}

/**
 * A run begins where its certname's rendezvous puts it, so that several balancers that know nothing of each other
 * agree, and goes elsewhere only when there is no room.
 */
function startsOnOwnMaster(
  { class: endpointClass, certname }: Exchange,
  { affinity }: AdmissionDeps
): boolean {
  return certname !== undefined && pinUseOf(affinity, endpointClass).follows
}

function slotNeed(
  { certname }: Exchange,
  endpoint: Endpoint,
  comesBack: boolean,
  deps: AdmissionDeps
): SlotNeed | undefined {
  const rank = rankOf(endpoint)
  if (rank === undefined) return undefined
  if (certname === undefined) return { rank, comesBack, pinned: () => -1, chosen() {} }
  const { pins, now } = deps
  const use = pinUseOf(deps.affinity, endpoint.class)
  return {
    rank,
    comesBack,
    pinned: () => (use.follows ? pins.get(certname, now()) : -1),
    chosen(master) {
      if (use.pins) pins.set(certname, master.index, now())
      else if (use.ends) pins.remove(certname)
    }
  }
}

/**
 * What Puppet Server's own `simple` status says, for the pool. Without Retry-After even when nobody serves: an
 * agent with a `server_list` must go on to its next server at once.
 */
function answerForPool(exchange: Exchange, snapshot: Snapshot, responder: Responder): void {
  if (snapshot.tiers.length > 0) responder.answer(exchange, 200, 'running')
  else responder.answer(exchange, 503, 'error', 'no-master')
}

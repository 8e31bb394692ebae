import { type PinUse, pinUseOf } from '../../balance/affinity.ts'
import { type Rank, rankOf } from '../../balance/queue-order.ts'
import type { ReasonCode } from '../../model/errors.ts'
import type { Rule } from '../../model/explanation.ts'
import type { Affinity, AnonymousRule } from '../../model/settings.ts'
import { classify, type EndpointClass } from '../../puppet/endpoint.ts'
import { checkPath } from '../../puppet/path.ts'

/** What Puppet and its tools use. TRACE above all stays out: its answer would tell a client the identity headers. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

/** The same, for an `Allow` header. */
export const allowedMethods = [...methods].join(', ')

/** Whether a method is one of these. */
export function isCarried(method: string | undefined): boolean {
  return method !== undefined && methods.has(method)
}

/** What a plan is made from. */
export interface PlannedRequest {
  readonly method: string
  /** As it came, with its query. */
  readonly target: string
  readonly userAgent: string | undefined
  /** Of a verified certificate only. */
  readonly certname: string | undefined
  readonly remote: string | undefined
}

/** What of the settings a plan depends on. */
export interface PlanSettings {
  readonly affinity: Affinity
  /** Certnames that may call administrative endpoints. */
  readonly administrators: ReadonlySet<string>
  readonly withoutCertificate: AnonymousRule
}

/** What becomes of a request: refused, answered here, sent to the CA, to every master, or to one of several. */
export type Plan =
  | {
      readonly action: 'refuse'
      readonly class: EndpointClass
      readonly code: ReasonCode
      readonly detail?: string
    }
  | { readonly action: 'pool-status' | 'own-options' | 'every-master'; readonly class: EndpointClass }
  | CaPlan
  | MasterPlan

/** A request for the CA. */
export interface CaPlan {
  readonly action: 'ca'
  readonly class: EndpointClass
  readonly waits: boolean
}

/** A request for one of the masters. */
export interface MasterPlan {
  readonly action: 'master'
  readonly class: EndpointClass
  /** Its queue for a JRuby; `undefined` for what needs none and never waits for one. */
  readonly rank: Rank | undefined
  /** May be sent once more after a master had it and broke off. */
  readonly repeatable: boolean
  /** Its agent can be sent away here and comes back by itself, if its version does that. */
  readonly deferrable: boolean
  /** Waits here while nobody can serve it, if its agent would not come back often enough. */
  readonly waits: boolean
  /** What its run has to do with one master; for agents that showed a certificate. */
  readonly pin: PinUse
  /** How a master is chosen. */
  readonly rule: Extract<Rule, 'certname' | 'content' | 'policy'>
  /** What the choice depends on, where it depends on the request. */
  readonly key: string
}

const noPin: PinUse = Object.freeze({ follows: false, pins: false, ends: false })

/** Decides what becomes of a request. Pure: the same request and settings have the same plan. */
export function planOf(request: PlannedRequest, settings: PlanSettings): Plan {
  const { method, target, userAgent, certname, remote } = request
  if (!isCarried(method)) return { action: 'refuse', class: 'other', code: 'bad-method' }
  if (method === 'OPTIONS' && target === '*') return { action: 'own-options', class: 'other' }
  const problem = checkPath(target)
  if (problem !== undefined)
    return { action: 'refuse', class: 'other', code: 'bad-path', detail: `it ${problem}` }
  const endpoint = classify(method, target, userAgent)
  const { class: endpointClass, action, pinKey } = endpoint
  if (endpoint.restricted && !(certname !== undefined && settings.administrators.has(certname)))
    return { action: 'refuse', class: endpointClass, code: 'admin-refused' }
  if (action === 'refuse') return { action, class: endpointClass, code: 'not-served' }
  if (certname === undefined && !endpoint.open && settings.withoutCertificate === 'refuse')
    return { action: 'refuse', class: endpointClass, code: 'certificate-required' }
  if (action === 'ca') return { action, class: endpointClass, waits: endpoint.waits }
  if (action !== 'master') return { action, class: endpointClass }
  const pin = certname === undefined ? noPin : pinUseOf(settings.affinity, endpointClass)
  return {
    action,
    class: endpointClass,
    rank: rankOf(endpoint),
    repeatable: endpoint.repeatable,
    deferrable: endpoint.deferrable,
    waits: endpoint.waits,
    pin,
    // A run begins where its certname's rendezvous puts it, so that several balancers that know nothing of each
    // other agree. Filebucket contents must be found again where they were stored, whatever policy the rest follows.
    rule: pinKey !== undefined ? 'content' : pin.follows ? 'certname' : 'policy',
    key: pinKey ?? certname ?? remote ?? ''
  }
}

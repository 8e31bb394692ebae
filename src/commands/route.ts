import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { policies } from '../balance/registry.ts'
import { loadConfig } from '../config/load.ts'
import type { Identity } from '../data/accept/identity.ts'
import { admit } from '../data/http/admission.ts'
import { candidates } from '../data/http/candidates.ts'
import type { Exchange } from '../data/http/exchange.ts'
import { newDecision } from '../data/request-record.ts'
import type { Config, PolicyName } from '../model/settings.ts'
import { type Master, type Snapshot, tiersOf } from '../model/snapshot.ts'
import { classify } from '../puppet/endpoint.ts'
import { identityHeaders } from '../puppet/identity.ts'
import { createPinTable } from '../shared/pins.ts'

/** A request to think through. */
export interface RouteOptions {
  readonly config: string
  readonly method: string
  readonly path: string
  /** Of the agent's certificate; without it the agent shows none. */
  readonly certname?: string | undefined
  readonly userAgent?: string | undefined
}

/** What would become of a request: who answers it, and who would be asked in turn. */
interface Route {
  readonly class: string
  readonly pool: string
  readonly order: readonly Master[]
  /** What the order depends on. */
  readonly notes: readonly string[]
}

/** Class, pool and order of candidates for a request, every master being idle and able to serve. Throws a ConfigError. */
export function route(options: RouteOptions, env: NodeJS.ProcessEnv): string {
  const config = loadConfig(options.config, env)
  const { class: endpointClass, pool, order, notes } = rehearse(config, options)
  const candidates = order.map((master, index) => `${index + 1}. ${describe(master)}`)
  return [
    `class: ${endpointClass}`,
    `pool:  ${pool}`,
    ...candidates.map((candidate, index) => `${index === 0 ? 'order:' : '      '} ${candidate}`),
    ...notes.map(note => `note:  ${note}`)
  ].join('\n')
}

/** Puts the request through the admission that serves real ones, and notes what that asks for. */
function rehearse(config: Config, options: RouteOptions): Route {
  const exchange = exchangeOf(options)
  const snapshot = snapshotOf(config)
  let pool = ''
  let order: readonly Master[] = []
  admit(exchange, identityOf(options.certname), {
    responder: {
      refuse: (_, { status, message }) => {
        pool = `nobody, the answer is ${status}: ${message}`
      },
      answer: () => {
        pool = 'the load balancer itself, for all masters'
      },
      dropRest: () => {}
    },
    policy: policies[config.balance.policy]({ load: () => 0, random: () => 1 - Number.EPSILON }),
    snapshot: () => snapshot,
    revoked: () => new Set(),
    allowed: new Set(config.admin.allow),
    nextTicket: () => 0,
    wallClock: () => 0,
    now: () => 0,
    affinity: config.balance.affinity,
    pins: createPinTable({ sets: 1, lifeMs: 1 }),
    forecastMs: () => 0,
    shedAboveMs: 0,
    returns: () => 0,
    forward: ({ next }) => {
      order = candidates(next, [])
      pool = order[0] === snapshot.ca ? 'the CA master alone' : 'one of the masters'
    },
    fanOut: () => {
      order = snapshot.masters
      pool = 'every master, one combined answer'
    }
  })
  const isChoice = order.length > 1 && order !== snapshot.masters
  return { class: exchange.class, pool, order, notes: isChoice ? notesOn(config, exchange) : [] }
}

const dependsOn: Readonly<Record<PolicyName, string>> = {
  'least-loaded':
    'the fewest open requests for its weight goes first; idle masters, as here, by chance and weight',
  'round-robin': 'this is the first turn, the next request begins with the next turn',
  rendezvous: 'the same certname always has this order'
}

function notesOn({ balance }: Config, { request, certname }: Exchange): readonly string[] {
  const { pinKey } = classify(request.method ?? '', request.url ?? '', request.headers['user-agent'])
  if (pinKey !== undefined) return ['the same file content always has this order']
  const isUnnamed = balance.policy === 'rendezvous' && certname === undefined
  return isUnnamed
    ? ["without a certname the agent's address decides, and here none is known"]
    : [dependsOn[balance.policy]]
}

function describe({ name, url, priority, weight }: Master): string {
  return name === 'ca' ? `ca ${url}` : `${name} ${url} (priority ${priority}, weight ${weight})`
}

function snapshotOf({ masters: configured, ca: { url } }: Config): Snapshot {
  const masters = configured.map((master, index) => ({ ...master, index }))
  const ca = { name: 'ca', url, index: masters.length, weight: 1, priority: 0 }
  return { version: 0, ca, masters, tiers: tiersOf(masters, () => true), finishing: [] }
}

function identityOf(certname: string | undefined): Identity {
  return {
    certname,
    headers: identityHeaders(undefined),
    refusal: undefined,
    revocationKeys: [],
    notAfterMs: Number.POSITIVE_INFINITY
  }
}

/** A request that never was on a wire. */
function exchangeOf({ method, path, userAgent }: RouteOptions): Exchange {
  const request = new IncomingMessage(new Socket())
  request.method = method.toUpperCase()
  request.url = path
  if (userAgent !== undefined) request.headers['user-agent'] = userAgent
  return {
    id: 'route',
    request,
    response: new ServerResponse(request),
    startedAtMs: 0,
    remote: undefined,
    certname: undefined,
    class: 'other',
    master: '',
    attempts: 0,
    queueMs: 0,
    upstreamMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    end: undefined,
    decision: newDecision('route', 0, 0)
  }
}

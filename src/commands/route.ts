import { createEligibility } from '../balance/eligibility.ts'
import { orderOf } from '../balance/policy.ts'
import { policies } from '../balance/registry.ts'
import { byRendezvous } from '../balance/rendezvous.ts'
import { compileRoutes, type Goal, goalOf, toDefault } from '../balance/routes.ts'
import { loadConfig } from '../config/load.ts'
import { createPoolNumbers } from '../control/pool-numbers.ts'
import { createRoster } from '../control/roster.ts'
import { poolSnapshots } from '../control/serving.ts'
import { undiscovered } from '../control/sources/join.ts'
import { type MasterPlan, type Plan, planOf } from '../data/http/plan.ts'
import { ProxyError } from '../model/errors.ts'
import type { Master } from '../model/master.ts'
import { defaultPool, isLedTo, poolNames } from '../model/pool.ts'
import { conditionsOf } from '../model/route.ts'
import type { PolicyName, Settings } from '../model/settings.ts'
import { tiersOf } from '../model/snapshot.ts'
import { environmentOf } from '../puppet/environment.ts'

/** A request to think through. */
export interface RouteOptions {
  readonly config: string
  readonly method: string
  readonly path: string
  /** Of the agent's certificate; without it the agent shows none. */
  readonly certname?: string | undefined
  readonly userAgent?: string | undefined
  /** Extensions of that certificate, by dotted OID. */
  readonly extensions?: ReadonlyMap<string, string> | undefined
  /** Named in its body, where it is in neither path nor query. */
  readonly environment?: string | undefined
}

/** What would become of a request: who answers it, and who would be asked in turn. */
interface Route {
  readonly pool: string
  readonly order: readonly Master[]
  /** What the order depends on. */
  readonly notes: readonly string[]
}

/** Class, pool and order of candidates for a request, every master being idle and able to serve. Throws a ConfigError. */
export function route(options: RouteOptions, env: NodeJS.ProcessEnv): string {
  const { settings } = loadConfig(options.config, env)
  const { method, path, certname, userAgent } = options
  const plan = planOf(
    { method: method.toUpperCase(), target: path, userAgent, certname, remote: undefined },
    {
      affinity: settings.balance.affinity,
      administrators: new Set(settings.access.administrators),
      withoutCertificate: settings.access.withoutCertificate
    }
  )
  const { pool, order, notes: doubts } = routeOf(plan, settings, options)
  const notes = [...doubts, ...undiscoveredNotes(plan, settings)]
  const candidates = order.map((master, index) => `${index + 1}. ${describe(master)}`)
  return [
    `class: ${plan.class}`,
    `pool:  ${pool}`,
    ...candidates.map((candidate, index) => `${index === 0 ? 'order:' : '      '} ${candidate}`),
    ...notes.map(note => `note:  ${note}`)
  ].join('\n')
}

/** Where the plan that serves real requests leads, with everybody idle. */
function routeOf(plan: Plan, settings: Settings, options: RouteOptions): Route {
  const { masters, ca } = createRoster().propose(undiscovered(settings))
  switch (plan.action) {
    case 'refuse': {
      const { status, message } = new ProxyError(plan.code, plan.detail)
      return { pool: `nobody, the answer is ${status}: ${message}`, order: [], notes: [] }
    }
    case 'own-options':
      return { pool: 'the load balancer itself', order: [], notes: [] }
    case 'pool-status':
      return { pool: 'the load balancer itself, for all masters', order: [], notes: [] }
    case 'every-master': {
      const order = masters.filter(master => !isLedTo(master, settings.listen.tcp))
      return { pool: 'every master, one combined answer', order, notes: [] }
    }
    case 'ca':
      return { pool: 'the CA master alone', order: [ca], notes: [] }
    case 'master': {
      const goal = goalFor(plan, settings, options)
      const order = candidatesOf(plan, goal, masters, settings.balance.policy)
      const notes = order.length > 1 ? [noteOn(plan, settings.balance.policy, options.certname)] : []
      return { pool: describeGoal(goal, settings), order, notes }
    }
  }
}

/** Where the routes send it. */
function goalFor(
  plan: MasterPlan,
  { routes }: Settings,
  { path, certname, extensions, environment }: RouteOptions
): Goal {
  const extension = (oid: string) => (certname === undefined ? undefined : extensions?.get(oid))
  const rules = compileRoutes(routes)?.rulesFor({ certname, extension }) ?? []
  return goalOf(rules, plan.class, () => environmentOf(path) ?? environment) ?? toDefault
}

function describeGoal({ pool, route: index }: Goal, { routes, masters }: Settings): string {
  const route = routes[index]
  if (route) {
    const rest = route.otherwise === undefined ? '' : `, or ${route.otherwise} while none of it is up`
    return `${pool}${rest}, by route ${index + 1} (${conditionsOf(route)}), ${route.place}`
  }
  if (routes.length > 0) return `${pool}, which gets what no route takes`
  return poolNames(masters).every(name => name === defaultPool) ? 'one of the masters' : pool
}

/** What only DNS knows. */
function undiscoveredNotes({ action }: Plan, { masters, ca, discovery }: Settings): readonly string[] {
  const domain = discovery.srv?.domain
  if (action === 'ca')
    return ca ? [] : [`SRV records of ${domain} say where it is; nothing is looked up here`]
  if (action !== 'master' && action !== 'every-master') return []
  const each = masters.filter(({ resolve }) => resolve === 'all').map(({ name }) => name)
  return [
    ...(domain === undefined
      ? []
      : [`SRV records of ${domain} name further masters; nothing is looked up here`]),
    ...(each.length === 0 ? [] : [`each address is a master, and none is looked up here: ${each.join(', ')}`])
  ]
}

/** Tier by tier, as each would be asked when those before it failed. */
function candidatesOf(
  plan: MasterPlan,
  goal: Goal,
  masters: readonly Master[],
  policyName: PolicyName
): Master[] {
  const active = masters.filter(({ weight }) => weight > 0)
  const tiers = tiersOf(active)
  const { of } = createEligibility({
    version: 0,
    ca: masters[0] as Master,
    isCaUp: true,
    masters,
    tiers,
    pools: poolSnapshots(masters, active, createPoolNumbers(), allUp),
    finishing: [],
    doubted: []
  })
  const idle = { busyness: () => 0, random: () => 1 - Number.EPSILON, nextTurn: mostWeight }
  const policy = plan.rule === 'policy' ? policies[policyName](idle) : byRendezvous
  const order: Master[] = []
  for (;;) {
    const eligible = of({ pinned: -1, tried: order.map(({ id }) => id), goal })
    if (!eligible) return order
    order.push(...orderOf(policy, eligible.candidates, { key: plan.key }))
  }
}

/** As if it were so. */
const allUp = { stateOf: () => 'up' as const, accepts: () => true }

/** Whose turn is first in a new row of turns. */
function mostWeight(masters: readonly Master[]): number {
  const weights = masters.map(({ weight }) => weight)
  return weights.indexOf(Math.max(...weights))
}

const dependsOn: Readonly<Record<PolicyName, string>> = {
  'least-loaded':
    'the fewest open requests for each JRuby and its weight goes first; idle masters, as here, by chance and weight',
  'round-robin': 'this is the first turn, the next request begins with the next turn',
  rendezvous: 'the same certname always has this order'
}

function noteOn({ rule }: MasterPlan, policy: PolicyName, certname: string | undefined): string {
  if (rule === 'content') return 'the same file content always has this order'
  if (rule === 'certname') return dependsOn.rendezvous
  const isUnnamed = policy === 'rendezvous' && certname === undefined
  return isUnnamed
    ? "without a certname the agent's address decides, and here none is known"
    : dependsOn[policy]
}

function describe({ name, url, priority, weight }: Master): string {
  return name === 'ca' ? `ca ${url}` : `${name} ${url} (priority ${priority}, weight ${weight})`
}

import { defaultPool } from '../model/pool.ts'
import type { ExtensionCondition, RouteSettings } from '../model/route.ts'
import { type CertnamePattern, certnamePattern } from '../puppet/certname-pattern.ts'

/** What routes look at of whoever asks. It does not change while a connection lasts. */
export interface RoutedAgent {
  /** Of a verified certificate only. */
  readonly certname: string | undefined
  /** The value of an extension of that certificate, by dotted OID. Asked for only if a route needs it. */
  readonly extension: (oid: string) => string | undefined
}

/** Where a request is to go. Made once for each route. */
export interface Goal {
  readonly pool: string
  /** The pool that serves while no member of the first one is up. */
  readonly otherwise: string | undefined
  /** Which route says so, counted from 0; -1: none took the request. */
  readonly route: number
}

/** What is left of a route for an agent: what depends on the request. */
export interface Rule {
  /** `undefined`: all. */
  readonly classes: ReadonlySet<string> | undefined
  readonly environments: ReadonlySet<string> | undefined
  readonly goal: Goal
}

/** An environment that a request may name in its body, which is not read yet. */
export const inBody = Symbol('in the body')

/** Without a route everything goes there. */
export const toDefault: Goal = Object.freeze({ pool: defaultPool, otherwise: undefined, route: -1 })

/** The routes of a configuration, made ready for many requests. */
export interface Routes {
  /** The rules that are left for an agent, in their order; the last one takes every request. */
  readonly rulesFor: (agent: RoutedAgent) => readonly Rule[]
}

/** `undefined` for no routes. */
export function compileRoutes(settings: readonly RouteSettings[]): Routes | undefined {
  if (settings.length === 0) return undefined
  const routes = settings.map((route, index) => ({
    certnames: route.certnames.map(certnamePattern),
    extensions: route.extensions,
    rule: ruleOf(route, index)
  }))
  return Object.freeze({
    rulesFor(agent: RoutedAgent) {
      const certname = agent.certname?.toLowerCase()
      const left = routes
        .filter(route => isNamed(route.certnames, certname) && isExtended(route.extensions, agent))
        .map(({ rule }) => rule)
      const last = left.findIndex(takesAll)
      return last < 0 ? [...left, otherwiseDefault] : left.slice(0, last + 1)
    }
  })
}

/**
 * Where a request goes by the rules for its agent; `undefined` when that depends on the environment in its body.
 * `environment` is asked for once at most, and only if a rule needs it.
 */
export function goalOf(
  rules: readonly Rule[],
  endpointClass: string,
  environment: () => string | undefined | typeof inBody
): Goal | undefined {
  let named: ReturnType<typeof environment>
  let isAsked = false
  for (const { classes, environments, goal } of rules) {
    if (classes && !classes.has(endpointClass)) continue
    if (!environments) return goal
    if (!isAsked) named = environment()
    isAsked = true
    if (named === inBody) return undefined
    if (named !== undefined && environments.has(named)) return goal
  }
  return toDefault
}

const otherwiseDefault: Rule = Object.freeze({ classes: undefined, environments: undefined, goal: toDefault })

function ruleOf({ classes, environments, pool, otherwise }: RouteSettings, route: number): Rule {
  return Object.freeze({
    classes: classes.length > 0 ? new Set(classes) : undefined,
    environments: environments.length > 0 ? new Set(environments) : undefined,
    goal: Object.freeze({ pool, otherwise, route })
  })
}

function takesAll({ classes, environments }: Rule): boolean {
  return classes === undefined && environments === undefined
}

function isNamed(patterns: readonly CertnamePattern[], lowerCaseCertname: string | undefined): boolean {
  if (patterns.length === 0) return true
  return lowerCaseCertname !== undefined && patterns.some(matches => matches(lowerCaseCertname))
}

function isExtended(conditions: readonly ExtensionCondition[], { extension }: RoutedAgent): boolean {
  return conditions.every(({ oid, values }) => {
    const value = extension(oid)
    return value !== undefined && values.includes(value)
  })
}

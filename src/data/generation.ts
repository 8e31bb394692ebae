import type { Policy, PolicyDeps } from '../balance/policy.ts'
import { policies } from '../balance/registry.ts'
import { compileRoutes } from '../balance/routes.ts'
import { defaultPool } from '../model/pool.ts'
import type { Settings } from '../model/settings.ts'
import { type AgentRules, createAgentRules } from './http/agent-rules.ts'
import type { PlanSettings } from './http/plan.ts'

/**
 * What a worker derives from settings, once for all requests that begin with them. A request keeps the generation it
 * began with.
 */
export interface Generation extends PlanSettings {
  readonly settings: Settings
  readonly policy: Policy
  readonly policyName: string
  /** `undefined` without routes. */
  readonly rulesFor: AgentRules | undefined
  /** Every pool that an agent may have a pin in. */
  readonly pools: readonly string[]
}

export function createGeneration(settings: Settings, deps: PolicyDeps): Generation {
  const { policy, affinity } = settings.balance
  const { administrators, withoutCertificate } = settings.access
  const routes = compileRoutes(settings.routes)
  return Object.freeze({
    settings,
    policy: policies[policy](deps),
    policyName: policy,
    rulesFor: routes && createAgentRules(routes),
    pools: [...new Set([defaultPool, ...settings.routes.map(({ pool }) => pool)])],
    affinity,
    administrators: new Set(administrators),
    withoutCertificate
  })
}

import type { Policy, PolicyDeps } from '../balance/policy.ts'
import { policies } from '../balance/registry.ts'
import type { Settings } from '../model/settings.ts'
import type { PlanSettings } from './http/plan.ts'

/**
 * What a worker derives from settings, once for all requests that begin with them. A request keeps the generation it
 * began with.
 */
export interface Generation extends PlanSettings {
  readonly settings: Settings
  readonly policy: Policy
  readonly policyName: string
}

export function createGeneration(settings: Settings, deps: PolicyDeps): Generation {
  const { policy, affinity } = settings.balance
  const { administrators, withoutCertificate } = settings.access
  return Object.freeze({
    settings,
    policy: policies[policy](deps),
    policyName: policy,
    affinity,
    administrators: new Set(administrators),
    withoutCertificate
  })
}

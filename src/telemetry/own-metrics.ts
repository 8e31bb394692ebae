import { Gauge, type Registry } from 'prom-client'
import { type OwnState, ownStates } from '../model/enrolment.ts'

/** What the control plane knows of the certificate that agents see. */
export interface OwnFacts {
  readonly ownCertificate: () => OwnState
}

export function createOwnMetrics(registry: Registry, prefix: string, facts: OwnFacts): void {
  new Gauge({
    name: `${prefix}own_certificate_state`,
    help: '1 for the state that the certificate agents see is in, 0 for every other: `good`, `renewal-due`, `expired`, `revoked`, `cleaned` (the CA has it no more) or `replaced` (the CA has another).',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      const state = facts.ownCertificate()
      for (const each of ownStates) this.set({ state: each }, each === state ? 1 : 0)
    }
  })
}

import { createDecisions, type Decisions, type DecisionsDeps } from '../../src/data/history.ts'
import { masters } from './masters.ts'

/** A memory of decisions over two idle masters with four JRubies each. */
export function testDecisions(now: () => number, deps: Partial<DecisionsDeps> = {}): Decisions {
  const both = masters({ m1: 1, m2: 2 })
  return createDecisions({
    now,
    masters: both,
    tier: () => both,
    inFlight: () => 0,
    taken: () => 0,
    foreign: () => 0,
    capacity: () => 4,
    policyName: 'least-loaded',
    ...deps
  })
}

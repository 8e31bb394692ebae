import type { MemberFacts, SiteFacts } from '../../src/doctor/facts.ts'

/** A master that answers and of which nothing else is known. */
export function memberFacts(facts: Partial<MemberFacts> = {}): MemberFacts {
  return {
    name: 'alpha',
    url: 'https://alpha.example.com:8140',
    pools: ['default'],
    isRaw: false,
    capacity: undefined,
    trouble: undefined,
    certificate: undefined,
    aheadMs: undefined,
    version: undefined,
    identity: undefined,
    permissions: [],
    code: undefined,
    documents: undefined,
    ...facts
  }
}

/** A site of these masters; its CA is another server. */
export function siteFacts(
  masters: readonly Partial<MemberFacts>[],
  rest: Partial<SiteFacts> = {}
): SiteFacts {
  return {
    masters: masters.map(memberFacts),
    ca: memberFacts({ name: 'ca', url: 'https://ca.example.com:8140', pools: [] }),
    isCaMaster: false,
    unknownNames: [],
    remarks: [],
    ...rest
  }
}

/** A master that believes the balancer and nobody else. */
export const believing = {
  withOurs: 'allowed',
  forAnother: 'refused',
  asOurselves: undefined,
  withNone: 'refused',
  withPuppet: 'refused'
} as const

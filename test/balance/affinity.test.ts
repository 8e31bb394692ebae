import t from 'tap'
import { pinUseOf } from '../../src/balance/affinity.ts'
import type { Affinity } from '../../src/model/settings.ts'
import { type EndpointClass, endpointClasses } from '../../src/puppet/endpoint-class.ts'

type Use = 'follows' | 'pins' | 'ends'

/** What each class does with its agent's pin; one that is not named does nothing. */
const expected: Readonly<Record<Affinity, Partial<Record<EndpointClass, readonly Use[]>>>> = {
  phase: { light: ['follows', 'pins'], catalog: ['pins'], report: ['ends'] },
  run: { light: ['follows', 'pins'], catalog: ['follows', 'pins'], report: ['follows', 'ends'] },
  none: {}
}

for (const affinity of ['phase', 'run', 'none'] satisfies Affinity[]) {
  for (const endpointClass of endpointClasses) {
    const uses = expected[affinity][endpointClass] ?? []
    t.test(`${affinity}: ${endpointClass} ${uses.join(' and ') || 'leaves the pin alone'}`, async t => {
      t.same(pinUseOf(affinity, endpointClass), {
        follows: uses.includes('follows'),
        pins: uses.includes('pins'),
        ends: uses.includes('ends')
      })
    })
  }
}

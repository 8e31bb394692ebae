import t from 'tap'
import { createPublisher } from '../../src/control/publisher.ts'
import type { Order, Publication } from '../../src/model/messages.ts'

// The publisher hands parts on and never looks into them.
const part = (name: string) => ({ name }) as never
const first = { snapshot: part('s0'), settings: part('c0'), revoked: part('r0'), caDocuments: part('d0') }

function setUp() {
  const told: Order[] = []
  const publisher = createPublisher(first, order => told.push(order))
  return { publisher, told }
}

t.test('what is current at first is whole, and nobody is told', async t => {
  const { publisher, told } = setUp()
  t.same(publisher.current(), { version: 0, ...first })
  t.same(told, [])
})

t.test('planes are told what changed and nothing else, each time with the next version', async t => {
  const { publisher, told } = setUp()
  t.equal(publisher.publish({ snapshot: part('s1') }), 1)
  t.equal(publisher.publish({ settings: part('c1'), revoked: part('r1') }), 2)
  t.strictSame(told, [
    { type: 'publish', publication: { version: 1, snapshot: part('s1') } },
    { type: 'publish', publication: { version: 2, settings: part('c1'), revoked: part('r1') } }
  ])
})

t.test('what is current stays whole: a plane that starts now misses nothing', async t => {
  const { publisher } = setUp()
  publisher.publish({ snapshot: part('s1') })
  publisher.publish({ revoked: part('r1') })
  t.same(publisher.current(), {
    version: 2,
    snapshot: part('s1'),
    settings: part('c0'),
    revoked: part('r1'),
    caDocuments: part('d0')
  })
})

t.test('what was handed out does not change', async t => {
  const { publisher } = setUp()
  const before = publisher.current()
  publisher.publish({ snapshot: part('s1') })
  t.same(before, { version: 0, ...first })
})

t.test(
  'it is current before planes are told: one that starts meanwhile is told the same twice, not never',
  async t => {
    const seen: Publication[] = []
    const publisher = createPublisher(first, () => seen.push(publisher.current()))
    publisher.publish({ snapshot: part('s1') })
    t.match(seen, [{ version: 1, snapshot: part('s1') }])
  }
)

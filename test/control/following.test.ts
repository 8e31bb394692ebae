import t from 'tap'
import { createChangeQueue } from '../../src/control/change-queue.ts'
import { createFollowing } from '../../src/control/following.ts'
import type { JoinedMembers, MemberParts } from '../../src/control/joined-members.ts'
import { noOverlay } from '../../src/control/overlay.ts'
import { NoSeatError } from '../../src/control/roster.ts'
import type { NamedMaster } from '../../src/control/sources/join.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

const master = (name: string, ...addresses: string[]): NamedMaster => ({
  ...{ name, url: `https://${name}`, weight: 1, priority: 0, source: 'file' },
  addresses
})
const ca = { url: 'https://ca', addresses: ['192.0.2.9'] }

/** What the sources name is said by the test; changes are remembered. */
function setUp(first: readonly NamedMaster[]) {
  const runtime = fakeRuntime()
  const { log, ...told } = captureLog()
  const changes = createChangeQueue()
  let current: MemberParts = { masters: first, ca, overlay: noOverlay }
  const scene = {
    named: { masters: first, ca, remarks: [] as string[] },
    isFull: false,
    prepared: 0,
    settled: Promise.resolve()
  }
  const members: JoinedMembers = {
    current: () => current,
    begin() {},
    async prepare(parts) {
      scene.prepared++
      if (scene.isFull) throw new NoSeatError('there is no room')
      const commit = () => {
        current = { ...current, ...parts }
      }
      return { commit, seeOff() {}, remarks: () => [] }
    },
    hasten() {
      throw new Error('DNS hastens nothing')
    },
    mark: () => 0,
    withHastened: overlay => overlay
  }
  const follow = createFollowing({
    ...{ changes, members, runtime, log },
    apply: async change => change.commit(),
    sources: { named: () => scene.named, settled: () => scene.settled }
  })
  return { follow, scene, changes, runtime, ...told, names: () => current.masters.map(({ name }) => name) }
}

t.test('what the sources name becomes the membership in its turn, and once for many calls', async t => {
  const { follow, scene, changes, names, runtime } = setUp([master('a')])
  const before = Promise.withResolvers<void>()
  void changes.run(() => before.promise)
  scene.named = { ...scene.named, masters: [master('a'), master('b')] }
  follow()
  follow()
  await runtime.advance(0)
  t.same(names(), ['a'], 'a change that is being made comes first')
  before.resolve()
  await runtime.advance(0)
  t.same(names(), ['a', 'b'])
  t.equal(scene.prepared, 1)
})

t.test('the same names change nothing', async t => {
  const { follow, scene, runtime } = setUp([master('a', '192.0.2.1')])
  scene.named = { ...scene.named, masters: [master('a', '192.0.2.1')] }
  follow()
  await runtime.advance(0)
  t.equal(scene.prepared, 0)
})

t.test('names that are still being looked up are waited for', async t => {
  const { follow, scene, names, runtime } = setUp([master('a')])
  const settled = Promise.withResolvers<void>()
  scene.settled = settled.promise
  scene.named = { ...scene.named, masters: [] }
  follow()
  await runtime.advance(0)
  t.same(names(), ['a'])
  scene.named = { ...scene.named, masters: [master('b')] }
  settled.resolve()
  await runtime.advance(0)
  t.same(names(), ['b'])
})

t.test('when there is no seat the members stay, and it is tried again', async t => {
  const { follow, scene, names, runtime, line } = setUp([master('a')])
  scene.named = { ...scene.named, masters: [master('b')] }
  scene.isFull = true
  follow()
  await runtime.advance(0)
  await line({
    msg: 'what DNS names cannot be taken yet; the members stay as they are',
    cause: 'there is no room'
  })
  t.same(names(), ['a'])
  scene.isFull = false
  await runtime.advance(10_000)
  t.same(names(), ['b'])
})

t.test('other addresses and weights are told, and where the CA is', async t => {
  const { follow, scene, runtime, line } = setUp([master('a', '192.0.2.1')])
  scene.named = {
    ...scene.named,
    masters: [{ ...master('a', '192.0.2.2'), weight: 5 }],
    ca: { ...ca, addresses: ['192.0.2.8'] }
  }
  follow()
  await runtime.advance(0)
  t.match(await line({ master: 'a', msg: 'DNS says another address of a master' }), {
    from: ['192.0.2.1'],
    to: ['192.0.2.2']
  })
  await line({ master: 'a', weight: 5, msg: 'DNS says another weight or priority of a master' })
  t.match(await line({ msg: 'DNS says where the CA is' }), { addresses: ['192.0.2.8'] })
})

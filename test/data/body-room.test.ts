import t from 'tap'
import { createBodyRoom } from '../../src/data/http/body-room.ts'
import { createBodyMemory } from '../../src/shared/body-memory.ts'
import { fakeRuntime } from '../support/runtime.ts'

const MIB = 1024 ** 2
const limitBytes = 4 * MIB

/** The room of one worker of two, and who was granted what, in order. */
function setUp() {
  const runtime = fakeRuntime()
  const memory = createBodyMemory({ workers: 2, schedule: runtime.schedule })
  const defects: unknown[] = []
  const roomOf = (worker: number) =>
    createBodyRoom({ memory: memory.join(worker), now: runtime.now, onDefect: error => defects.push(error) })
  const granted: string[] = []
  const ask = (
    room: ReturnType<typeof roomOf>,
    name: string,
    { owner = 0, ownerBytes = 64 * MIB, bytes = MIB } = {}
  ) => {
    const share = room.ask({ bytes, limitBytes, owner, ownerBytes }, () => granted.push(name))
    if (share.isGranted) granted.push(name)
    return share
  }
  return { runtime, memory, granted, ask, room: roomOf(0), otherRoom: roomOf(1), defects }
}

t.test('bodies get room in the order of asking', async t => {
  const { room, ask, granted, runtime } = setUp()
  const shares = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => ask(room, name))
  t.same(granted, ['a', 'b', 'c', 'd'])
  shares[1]?.release()
  shares[1]?.release()
  await runtime.advance(0)
  t.same(granted, ['a', 'b', 'c', 'd', 'e'], 'once for each that is given back')
})

t.test('whoever has as much as it may have waits for its own bodies, and keeps nobody', async t => {
  const { room, ask, granted, runtime } = setUp()
  const greedy = { owner: 1, ownerBytes: 2 * MIB }
  const shares = ['g1', 'g2', 'g3', 'g4'].map(name => ask(room, name, greedy))
  ask(room, 'other', { owner: 2 })
  t.same(granted, ['g1', 'g2', 'other'])
  shares[0]?.release()
  await runtime.advance(0)
  t.same(granted, ['g1', 'g2', 'other', 'g3'])
})

t.test('a share grows while nobody waits and there is room, and owes nothing for it', async t => {
  const { room, ask, granted, memory, runtime } = setUp()
  const large = ask(room, 'large', { owner: 1, ownerBytes: 2 * MIB })
  t.notOk(large.grow(2 * MIB, 2 * MIB), 'no further than the limit for it')
  t.ok(large.grow(2 * MIB, 3 * MIB))
  t.equal(memory.bytes(), 3 * MIB)
  ask(room, 'of the same owner', { owner: 1, ownerBytes: 2 * MIB })
  t.same(granted, ['large', 'of the same owner'])
  ask(room, 'other', { owner: 2 })
  t.notOk(large.grow(1, 64 * MIB), 'somebody waits')
  large.shrinkTo(MIB / 2)
  await runtime.advance(0)
  t.same(granted, ['large', 'of the same owner', 'other'])
  large.release()
  t.equal(memory.bytes(), 2 * MIB)
})

t.test('one body is always let in, however large it is', async t => {
  const { room, ask, granted } = setUp()
  ask(room, 'large', { owner: 1, ownerBytes: 10 })
  t.same(granted, ['large'])
})

t.test('who left while it waited takes nothing', async t => {
  const { room, ask, granted, runtime } = setUp()
  const [first] = ['a', 'b', 'c', 'd'].map(name => ask(room, name))
  ask(room, 'left').release()
  ask(room, 'stayed')
  first?.release()
  await runtime.advance(0)
  t.same(granted, ['a', 'b', 'c', 'd', 'stayed'])
})

t.test('what a worker that died had is free for others', async t => {
  const { room, otherRoom, ask, granted, runtime, memory } = setUp()
  for (const name of ['a', 'b', 'c', 'd']) ask(otherRoom, name)
  ask(room, 'mine')
  await memory.removeWorker(1)
  for (let turn = 0; turn < 10 && granted.length < 5; turn++)
    await new Promise(resolve => setImmediate(resolve))
  await runtime.advance(0)
  t.same(granted, ['a', 'b', 'c', 'd', 'mine'])
})

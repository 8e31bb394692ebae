import t from 'tap'
import { createLive, FRAME_MS } from '../../../src/admin/page/live.ts'
import { fakeRuntime } from '../../support/runtime.ts'

function setUp() {
  const runtime = fakeRuntime()
  let made = 0
  const live = createLive(() => `frame ${++made}`, runtime)
  return { runtime, live, made: () => made }
}

t.test('nothing is made while nobody looks, neither before nor after', async t => {
  const { runtime, live, made } = setUp()
  await runtime.advance(FRAME_MS * 3)
  t.equal(made(), 0)
  const viewer = live.join()
  await runtime.advance(FRAME_MS)
  viewer.destroy()
  const before = made()
  await runtime.advance(FRAME_MS * 3)
  t.equal(made(), before)
})

t.test('a frame is made once for all who look', async t => {
  const { runtime, live, made } = setUp()
  const viewers = Array.from({ length: 20 }, live.join)
  t.equal(made(), 1, 'who comes a little later sees the one there is')
  t.ok(viewers.every(viewer => String(viewer.read()) === 'data: frame 1\n\n'))
  await runtime.advance(FRAME_MS)
  t.equal(made(), 2)
  t.ok(viewers.every(viewer => String(viewer.read()) === 'data: frame 2\n\n'))
})

t.test('nothing piles up for a viewer that takes nothing, and it is let go in the end', async t => {
  const { runtime, live } = setUp()
  const [slow, quick] = [live.join(), live.join()]
  for (let frames = 0; frames < 100; frames++) {
    quick.read()
    await runtime.advance(FRAME_MS)
  }
  t.ok(slow.destroyed)
  t.notOk(quick.destroyed)
  t.equal(slow.readableLength, 'data: frame 1\n\n'.length)
})

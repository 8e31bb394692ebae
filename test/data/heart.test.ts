import t from 'tap'
import { startHeart } from '../../src/data/heart.ts'
import { createHeartbeats } from '../../src/shared/heartbeats.ts'
import { fakeRuntime } from '../support/runtime.ts'

t.test('a worker counts the turns of its loop where every thread sees them, about once a second', async t => {
  const runtime = fakeRuntime()
  const here = createHeartbeats({ workers: 2 })
  const elsewhere = createHeartbeats({ workers: 2 }, here.buffer)
  startHeart(1, here, runtime)
  t.equal(elsewhere.count(1), 1)
  await runtime.advance(60_000)
  t.ok(elsewhere.count(1) > 50)
  t.equal(elsewhere.count(0), 0, 'in a cell of its own')
})

import t from 'tap'
import { createSharedMemory, openSharedMemory } from '../../src/shared/memory.ts'
import { sizesOf } from '../../src/shared/sizes.ts'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { fakeRuntime } from '../support/runtime.ts'

const boot = { listen: { host: '::', port: 8140, workers: 2 } }

t.test('both planes see the same tables, and what a dead worker held is gone from all of them', async t => {
  const runtime = fakeRuntime()
  const control = createSharedMemory(boot, runtime)
  await control.slots.setSeats(new Map([[7, { capacity: 1, foreign: 0, takesNewRuns: true }]]))
  const plane = openSharedMemory(boot, runtime, structuredClone(control.buffers))
  plane.board.begin(1, 7)
  plane.pins.set('web-1', 263, 0)
  plane.slots.join(1).take({ rank: 2, dueMs: 0, mask: maskOf([7]) }, 7)
  const seats = [
    { seat: 7, weight: 1 },
    { seat: 8, weight: 1 }
  ]
  t.same([plane.turns.next(1, seats), control.turns.next(0, seats)], [0, 1])
  t.same([control.board.inFlight(7), control.slots.taken(7), control.pins.get('web-1', 1)], [1, 1, 263])
  await control.removeWorker(1)
  t.same([plane.board.inFlight(7), plane.slots.taken(7), plane.pins.get('web-1', 1)], [0, 0, 263])
})

t.test('a plane in the main thread has a row in the tables as well', async t => {
  t.equal(sizesOf({ listen: { ...boot.listen, workers: 0 } }).workers, 1)
})

import t from 'tap'
import { createEntrance, type Guest } from '../../src/data/accept/entrance.ts'
import { createConnectionTable } from '../../src/shared/connections.ts'
import { fakeRuntime } from '../support/runtime.ts'

const remote = '192.0.2.7'

t.test('a stranger whose request takes more than a second makes room for other workers too', async t => {
  const runtime = fakeRuntime()
  const table = createConnectionTable({ workers: 2, cells: 64 }, runtime.random)
  const limits = { beyond: () => undefined, refused: () => {} }
  const entrance = createEntrance({ worker: 1, table, limits, now: runtime.now })
  t.teardown(entrance.stop)
  const dismissed = Promise.withResolvers<void>()
  const guest: Guest = {
    address: undefined,
    mayGo: false,
    idleSinceMs: runtime.now(),
    busySinceMs: runtime.now(),
    dismiss() {
      entrance.leave(guest)
      dismissed.resolve()
    }
  }
  entrance.enter(guest, remote)
  t.equal(table.askOthers(0, runtime.now()), false)
  await runtime.advance(1_001)
  t.equal(table.askOthers(0, runtime.now()), true)
  await dismissed.promise
  t.equal(table.sum('open'), 0)
  t.equal(table.askOthers(0, runtime.now()), false, 'and there is no other')
})

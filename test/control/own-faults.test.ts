import t from 'tap'
import { createOwnFaults } from '../../src/control/own-faults.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

t.test('each cause is told once a minute, however often it is met', async t => {
  const runtime = fakeRuntime()
  const { log, lines } = captureLog()
  const faults = createOwnFaults({ now: runtime.now, log })
  for (let times = 0; times < 100; times++) faults.tell('EMFILE', 'a probe of a master')
  faults.tell('ENOBUFS', 'a connection to a master')
  t.same(
    lines.map(({ level, cause }) => [level, cause]),
    [
      ['error', 'EMFILE'],
      ['error', 'ENOBUFS']
    ]
  )
  await runtime.advance(60_000)
  faults.tell('EMFILE', 'a probe of a master')
  t.equal(lines.length, 3)
})

import t from 'tap'
import { createProbeFailures } from '../../src/control/master-watch/probe-failures.ts'

const bad = (cause: string, isSlow = false) => ({ healthy: false, cause, isSlow, isOwnFault: false }) as const

t.test('bad probes are counted by cause, and no text of a master becomes a label', async t => {
  const failures = createProbeFailures()
  for (const cause of ['ECONNREFUSED', 'ECONNREFUSED', 'answered 500', 'whatever <b>it</b> says']) {
    failures.add('m1', bad(cause))
  }
  failures.add('m1', bad('timed out', true))
  failures.add('m1', bad('timed out'))
  t.same(failures.of(['m1']), [
    { master: 'm1', cause: 'ECONNREFUSED', count: 2 },
    { master: 'm1', cause: 'answer', count: 1 },
    { master: 'm1', cause: 'other', count: 1 },
    { master: 'm1', cause: 'slow', count: 1 },
    { master: 'm1', cause: 'timeout', count: 1 }
  ])
})

t.test('who is no master any more is forgotten', async t => {
  const failures = createProbeFailures()
  failures.add('m1', bad('ECONNREFUSED'))
  failures.add('m2', bad('ECONNREFUSED'))
  t.equal(failures.of(['m2']).length, 1)
  t.equal(failures.of(['m1', 'm2']).length, 1)
})

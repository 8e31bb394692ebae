import t from 'tap'
import { createProbeFailures } from '../../src/control/master-watch/probe-failures.ts'
import type { CauseKind } from '../../src/upstream/cause.ts'

const bad = (kind?: CauseKind) =>
  ({ healthy: false, cause: 'whatever <b>it</b> says', kind, isSlow: false, isOwnFault: false }) as const

t.test('bad probes are counted by cause, and no text of a master becomes a label', async t => {
  const failures = createProbeFailures()
  for (const kind of ['refused', 'refused', 'status-5xx', undefined] as const) failures.add('m1', bad(kind))
  t.same(failures.of(['m1']), [
    { master: 'm1', cause: 'refused', count: 2 },
    { master: 'm1', cause: 'status-5xx', count: 1 },
    { master: 'm1', cause: 'other', count: 1 }
  ])
})

t.test('who is no master any more is forgotten', async t => {
  const failures = createProbeFailures()
  failures.add('m1', bad('refused'))
  failures.add('m2', bad('refused'))
  t.equal(failures.of(['m2']).length, 1)
  t.equal(failures.of(['m1', 'm2']).length, 1)
})

import t from 'tap'
import { createEjectionCounts } from '../../src/control/master-watch/ejection-counts.ts'

t.test('ejections are counted by master and fault, and forgotten with the master', async t => {
  const counts = createEjectionCounts()
  for (const fault of ['connects', 'catalogs', 'connects'] as const) counts.add('m1', fault)
  counts.add('gone', 'requests')
  const known = [
    { master: 'm1', fault: 'connects', count: 2 },
    { master: 'm1', fault: 'catalogs', count: 1 }
  ]
  t.same(counts.of(['m1', 'm2']), known)
  t.same(counts.of(['m1', 'gone']), known)
})

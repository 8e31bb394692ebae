import t from 'tap'
import { createFaultCounts } from '../../src/control/master-watch/fault-counts.ts'

t.test('faults are counted by master and fault, and forgotten with the master', async t => {
  const counts = createFaultCounts<'connects' | 'catalogs' | 'requests'>()
  for (const fault of ['connects', 'catalogs', 'connects'] as const) counts.add('m1', fault)
  counts.add('gone', 'requests')
  const known = [
    { master: 'm1', fault: 'connects', count: 2 },
    { master: 'm1', fault: 'catalogs', count: 1 }
  ]
  t.same(counts.of(['m1', 'm2']), known)
  t.same(counts.of(['m1', 'gone']), known)
})

import t from 'tap'
import { type SrvRecord, targetsOf } from '../../../src/control/sources/srv.ts'

const record = (priority: number, weight: number, name: string, port = 8140): SrvRecord => ({
  priority,
  weight,
  port,
  name
})

t.test('weights are counted as agents count them, and the order is priority, weight, name', async t => {
  const { targets } = targetsOf([
    record(1, 5, 'master.site-b.example.com'),
    record(0, 25, 'b.example.com'),
    record(0, 0, 'Z.Example.com.'),
    record(0, 75, 'c.example.com'),
    record(0, 25, 'a.example.com')
  ])
  t.same(
    targets.map(({ host, priority, weight }) => [host, priority, weight]),
    [
      ['c.example.com', 0, 750],
      ['a.example.com', 0, 250],
      ['b.example.com', 0, 250],
      ['z.example.com', 0, 1],
      ['master.site-b.example.com', 1, 50]
    ]
  )
})

t.test('records of one target count together in its best priority, up to the greatest weight', async t => {
  const both = [record(1, 9, 'a'), record(0, 2, 'a'), record(0, 3, 'A.'), record(0, 1, 'a', 8141)]
  t.match(targetsOf(both).targets, [
    { port: 8140, priority: 0, weight: 50 },
    { port: 8141, priority: 0, weight: 10 }
  ])
  t.match(targetsOf([record(0, 65_535, 'a'), record(0, 65_535, 'a')]).targets, [{ weight: 1_000_000 }])
})

t.test('a target of "." is none, however it is written', async t => {
  t.same(targetsOf([record(0, 0, '', 0), record(0, 0, '.', 0)]), { targets: [], unusable: [] })
})

for (const name of [
  'a b',
  'a/b',
  'user@a',
  'a:1',
  '[::1]',
  'a..b',
  '-a',
  'ä',
  `${'a'.repeat(64)}.b`,
  'a\n',
  'master.1',
  '1.2.3.256',
  '2130706433',
  '0x7f.1'
]) {
  t.test(`what is no host name goes nowhere: ${JSON.stringify(name)}`, async t => {
    const { targets, unusable } = targetsOf([record(0, 1, name)])
    t.same(targets, [])
    t.same(unusable, [`${JSON.stringify(name)} with port 8140`])
  })
}

t.test('nobody listens on port 0', async t => {
  t.same(targetsOf([record(0, 1, 'a', 0)]).unusable, ['"a" with port 0'])
})

import t from 'tap'
import { patienceOf, returnSpread } from '../../src/data/http/patience.ts'

const MINUTE_MS = 60_000

t.test('nobody waits for longer than its agent does, and nobody for ever', async t => {
  for (const [version, longestMs] of [
    ['3.8.7', 108_000],
    ['4.10.12', 60 * MINUTE_MS],
    ['5.2.0', 60 * MINUTE_MS],
    ['6.17.0', 9 * MINUTE_MS],
    ['7.23.0', 9 * MINUTE_MS],
    [undefined, 9 * MINUTE_MS]
  ] as const)
    for (const kind of ['replaceable', 'other', 'ca'] as const)
      t.equal(patienceOf(version, kind).longestMs, longestMs, `${version} ${kind}`)
})

t.test('while nobody serves, what an agent can do without is waited for for the shortest time', async t => {
  for (const [version, replaceable, other, ca] of [
    ['3.8.7', 108_000, 108_000, 108_000],
    ['5.2.0', 5 * MINUTE_MS, 9 * MINUTE_MS, 5 * MINUTE_MS],
    ['7.23.0', 5 * MINUTE_MS, 9 * MINUTE_MS, 5 * MINUTE_MS],
    [undefined, 5 * MINUTE_MS, 9 * MINUTE_MS, 5 * MINUTE_MS]
  ] as const) {
    t.equal(patienceOf(version, 'replaceable').awayMs, replaceable, String(version))
    t.equal(patienceOf(version, 'other').awayMs, other, String(version))
    t.equal(patienceOf(version, 'ca').awayMs, ca, String(version))
  }
})

t.test('all returns of an agent last as long as anybody is waited for', async t => {
  const longestMs = patienceOf(undefined, 'other').awayMs
  t.equal(longestMs, 9 * MINUTE_MS)
  for (const [returns, minSeconds, maxSeconds] of [
    [10, 54, 79],
    [100, 5, 30]
  ] as const)
    t.same(returnSpread(returns), { minSeconds, maxSeconds }, `${returns} returns`)
  t.ok(10 * returnSpread(10).minSeconds * 1_000 >= longestMs)
})

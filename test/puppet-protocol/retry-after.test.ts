import t from 'tap'
import { parseRetryAfter, retryAfterSeconds } from '../../src/puppet/retry-after.ts'
import { seeded } from './seeded.ts'

t.test('agents are spread evenly over the whole range', async t => {
  const random = seeded(503)
  const counts = new Map<number, number>()
  for (let round = 0; round < 11_000; round++) {
    const seconds = retryAfterSeconds(random(), { minSeconds: 20, maxSeconds: 30 })
    counts.set(seconds, (counts.get(seconds) ?? 0) + 1)
  }
  t.same(
    [...counts.keys()].sort((a, b) => a - b),
    [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]
  )
  for (const [seconds, count] of counts) t.ok(count > 850 && count < 1150, `${seconds} s: ${count}`)
})

t.test('the ends of the range are reached and not passed', async t => {
  t.equal(retryAfterSeconds(0, { minSeconds: 5, maxSeconds: 60 }), 5)
  t.equal(retryAfterSeconds(0.999999999, { minSeconds: 5, maxSeconds: 60 }), 60)
  t.equal(retryAfterSeconds(1, { minSeconds: 5, maxSeconds: 60 }), 60, 'even by careless dice')
})

t.test('whatever is asked for, an agent gets a whole number from 1 to 1800', async t => {
  const random = seeded(1800)
  for (let round = 0; round < 5000; round++) {
    const range = { minSeconds: random() * 4000 - 1000, maxSeconds: random() * 4000 - 1000 }
    const seconds = retryAfterSeconds(random(), range)
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 1800)
      t.fail(`${seconds} of ${JSON.stringify(range)}`)
  }
  t.equal(retryAfterSeconds(0, { minSeconds: 0, maxSeconds: 0 }), 1, 'never "at once"')
  t.equal(retryAfterSeconds(0.999_999, { minSeconds: 9000, maxSeconds: 9000 }), 1800)
  t.equal(retryAfterSeconds(0.5, { minSeconds: 40, maxSeconds: 20 }), 40, 'a range upside down')
})

t.test('a Retry-After is read when it is whole seconds', async t => {
  t.equal(parseRetryAfter('0'), 0)
  t.equal(parseRetryAfter('30'), 30)
  t.equal(parseRetryAfter('999999999'), 999_999_999)
  const others = [
    undefined,
    '',
    '1.5',
    '-1',
    '+1',
    '1e3',
    '0x10',
    ' 30',
    '30, 30',
    '1000000000',
    'Fri, 31 Dec 1999 23:59:59 GMT'
  ]
  for (const value of others) t.equal(parseRetryAfter(value), undefined, String(value))
})

t.test('agents whose turn comes after more than the longest time do not all come back together', async t => {
  const dice = [0, 0.25, 0.5, 0.999]
  t.same(
    dice.map(random => retryAfterSeconds(random, { minSeconds: 4_000, maxSeconds: 4_000 })),
    [900, 1125, 1350, 1800]
  )
})

import t from 'tap'
import { parseJRubyMetrics } from '../../src/puppet/jruby-metrics.ts'

const answer = (metrics: object) =>
  JSON.stringify({ state: 'running', status: { experimental: { metrics } } })
const idle = { 'num-jrubies': 4, 'num-free-jrubies': 4, 'borrow-count': 12, 'requested-instances': [] }

t.test('capacity, what runs and what waits are read', async t => {
  const waiting = { 'requested-instances': [{ 'duration-millis': 3 }, { 'duration-millis': 1 }] }
  t.same(parseJRubyMetrics(answer({ ...idle, ...waiting, 'num-free-jrubies': 0 })), {
    capacity: 4,
    busy: 4,
    waiting: 2,
    isWarm: true
  })
  t.same(parseJRubyMetrics(answer(idle)), { capacity: 4, busy: 0, waiting: 0, isWarm: true })
})

t.test('a master that never lent a JRuby and has none free is still warming up', async t => {
  t.equal(parseJRubyMetrics(answer({ ...idle, 'num-free-jrubies': 0, 'borrow-count': 0 }))?.isWarm, false)
  t.equal(parseJRubyMetrics(answer({ ...idle, 'borrow-count': 0 }))?.isWarm, true)
})

t.test('the version of the server is read where it is told', async t => {
  const told = JSON.stringify({ ...JSON.parse(answer(idle)), service_version: '8.7.0' })
  t.equal(parseJRubyMetrics(told)?.version, '8.7.0')
})

t.test('anything else is not a report', async t => {
  for (const body of [
    '',
    'running',
    '{}',
    'null',
    '[]',
    '{"status":null}',
    answer({}),
    answer({ ...idle, 'num-jrubies': 0 }),
    answer({ ...idle, 'num-jrubies': '4' }),
    answer({ ...idle, 'num-free-jrubies': -1 })
  ]) {
    t.equal(parseJRubyMetrics(body), undefined, body)
  }
})

import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Registry } from 'prom-client'
import t from 'tap'
import { openExchange } from '../../src/data/http/exchange.ts'
import type { AccessEntry } from '../../src/telemetry/access-log.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'
import { testDecisions } from '../support/history.ts'
import { fakeRuntime } from '../support/runtime.ts'

interface Answer {
  writableFinished: boolean
  headersSent: boolean
  statusCode: number
}

/** An exchange whose answer the test describes, and what the books say once it is over. */
function open(target: string, answer: Answer, saysWhy = false) {
  const request = { method: 'GET', url: target, socket: { remoteAddress: '10.0.0.1' } }
  const response = Object.assign(new EventEmitter(), answer)
  const runtime = fakeRuntime()
  const metrics = createTrafficMetrics(new Registry())
  const entries: AccessEntry[] = []
  const decisions = testDecisions(runtime.now)
  const exchange = openExchange(
    'abc-0-1',
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    { metrics, accessLog: entry => entries.push(entry), now: runtime.now, decisions, saysWhy }
  )
  return { exchange, decisions, runtime, metrics, entries, close: () => response.emit('close') }
}

const complete = { writableFinished: true, headersSent: true, statusCode: 200 }
const begun = { writableFinished: false, headersSent: true, statusCode: 200 }
const nothing = { writableFinished: false, headersSent: false, statusCode: 200 }

t.test('an answer that went out whole is complete', async t => {
  const { exchange, runtime, metrics, entries, close } = open('/puppet/v3/node/a?environment=b', complete)
  Object.assign(exchange, { class: 'light', master: 'm1', attempts: 2, certname: 'a', upstreamMs: 12.345 })
  await runtime.advance(1234)
  t.same(entries, [], 'nothing is told before the end')
  close()
  t.same(entries, [
    {
      id: 'abc-0-1',
      remote: '10.0.0.1',
      certname: 'a',
      method: 'GET',
      path: '/puppet/v3/node/a',
      class: 'light',
      master: 'm1',
      attempts: 2,
      queueMs: 0,
      upstreamMs: 12.3,
      durationMs: 1234,
      bytesIn: 0,
      bytesOut: 0,
      status: 200,
      end: 'complete'
    }
  ])
  const [counted] = (await metrics.requests.get()).values
  t.match(counted, { labels: { class: 'light', master: 'm1', code: 200 }, value: 1 })
  const sum = (await metrics.requestDuration.get()).values.find(each => each.metricName?.endsWith('_sum'))
  t.match(sum, { labels: { class: 'light' }, value: 1.234 })
})

t.test('an agent that leaves before the answer begins counts as 499', async t => {
  const { metrics, entries, close } = open('/a', nothing)
  close()
  t.match(entries, [{ status: 499, end: 'agent-gone' }])
  t.match((await metrics.requests.get()).values, [{ labels: { code: 499 } }])
})

t.test('an agent that leaves in the middle of an answer counts as what it was told', async t => {
  const { entries, close } = open('/a', begun)
  close()
  t.match(entries, [{ status: 200, end: 'agent-gone' }])
})

t.test('whoever else ends it says why', async t => {
  const { exchange, entries, close } = open('/a', begun)
  exchange.end = 'master-lost'
  close()
  t.match(entries, [{ status: 200, end: 'master-lost' }])
})

t.test('at level debug the books say why as well', t => {
  const { exchange, decisions, entries, close } = open('/a', complete, true)
  decisions.choose(exchange.decision, 'policy', 1)
  close()
  t.match(entries, [
    {
      end: 'complete',
      rule: 'least-loaded',
      pinned: 'm2',
      candidates: [{ master: 'm1' }, { master: 'm2' }],
      tried: []
    }
  ])
  t.end()
})

t.test('an agent that leaves the queue has waited until then', async t => {
  const { exchange, decisions, runtime, entries, close } = open('/a', nothing)
  exchange.decision.waitsSinceMs = runtime.now()
  await runtime.advance(700)
  t.match(decisions.find('abc-0-1'), { queueMs: 700, end: 'open' })
  close()
  await runtime.advance(300)
  t.match(entries, [{ queueMs: 700, end: 'agent-gone' }])
  t.match(decisions.find('abc-0-1'), { queueMs: 700, durationMs: 700, ageMs: 1000, end: 'agent-gone' })
})

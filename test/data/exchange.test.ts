import type { IncomingMessage, ServerResponse } from 'node:http'
import { Registry } from 'prom-client'
import t from 'tap'
import type { Generation } from '../../src/data/generation.ts'
import { type Bookkeeping, endExchange, openExchange } from '../../src/data/http/exchange.ts'
import type { Master } from '../../src/model/master.ts'
import type { AccessEntry, AccessLog } from '../../src/telemetry/access-log.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'
import { testHistory } from '../support/history.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

interface Answer {
  writableFinished: boolean
  headersSent: boolean
  statusCode: number
}

/** An exchange whose answer the test describes, and what the books say once it is over. */
function open(
  target: string,
  answer: Answer,
  { saysWhy = false, accessLog }: { readonly saysWhy?: boolean; readonly accessLog?: AccessLog } = {}
) {
  const request = { method: 'GET', url: target }
  const runtime = fakeRuntime()
  const metrics = createTrafficMetrics(new Registry())
  const entries: AccessEntry[] = []
  const defects: unknown[] = []
  const history = testHistory(runtime.now)
  const generations = ['first', 'second'].map(policyName => ({ policyName })) as Generation[]
  let generation = generations[0] as Generation
  const books: Bookkeeping = {
    metrics,
    accessLog: accessLog ?? (entry => entries.push(entry)),
    now: runtime.now,
    history,
    runs: { note() {} },
    saysWhy: () => saysWhy,
    generation: () => generation,
    onDefect: defect => defects.push(defect)
  }
  const exchange = openExchange(
    {
      id: 'abc-0-1',
      request: request as unknown as IncomingMessage,
      response: answer as ServerResponse,
      remote: '10.0.0.1'
    },
    books
  )
  return {
    exchange,
    history,
    runtime,
    metrics,
    entries,
    defects,
    close: () => endExchange(exchange, books),
    reload() {
      generation = generations[1] as Generation
    }
  }
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

t.test('at level debug the books say why as well', async t => {
  const { exchange, history, entries, close } = open('/a', complete, { saysWhy: true })
  const [, m2] = masters({ m1: 1, m2: 1 }) as [Master, Master]
  history.note(exchange.record, 'least-loaded', m2)
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
})

t.test(
  'what is remembered of a request follows its books, and no longer holds them once they are closed',
  async t => {
    const { exchange, history, runtime, close } = open('/a', complete)
    exchange.certname = 'a.example.com'
    exchange.queueMs = 12
    t.equal(exchange.record.summary, exchange)
    t.match(history.find('abc-0-1'), { certname: 'a.example.com', queueMs: 12, end: 'open' })
    await runtime.advance(700)
    close()
    await runtime.advance(300)
    t.match(history.find('abc-0-1'), {
      certname: 'a.example.com',
      queueMs: 12,
      durationMs: 700,
      ageMs: 1000,
      status: 200,
      end: 'complete'
    })
    t.not(exchange.record.summary, exchange)
    t.notOk(Object.values(exchange.record.summary).some(value => typeof value === 'object'))
  }
)

t.test('a request keeps the settings that it began with', async t => {
  const { exchange, reload } = open('/a', complete)
  reload()
  t.equal(exchange.generation.policyName, 'first')
})

t.test('a defect in the books ends nothing but them', async t => {
  const accessLog = () => {
    throw new Error('broken')
  }
  const { defects, close } = open('/a', complete, { accessLog })
  close()
  t.match(defects, [{ message: 'broken' }])
})

t.test('what is still done for a request is given up before its books are closed', async t => {
  const { exchange, entries, close } = open('/a', begun)
  exchange.breakOff = () => {
    exchange.upstreamMs = 7
  }
  close()
  t.match(entries, [{ upstreamMs: 7 }])
})

import t from 'tap'
import { Attempt, type AttemptListener } from '../../src/data/http/attempt.ts'
import type { Exchange } from '../../src/data/http/exchange.ts'
import type { Master } from '../../src/model/master.ts'
import { masters } from '../support/masters.ts'
import { fakeMaster } from './fake-master.ts'

const [master] = masters({ m1: 1 }) as [Master]
const exchange = {
  request: {
    url: '/puppet/v3/node/a?environment=b',
    method: 'GET',
    rawHeaders: ['Host', 'puppet', 'Accept', 'application/json', 'X-Client-DN', 'CN=forged'],
    headers: {}
  }
} as unknown as Exchange

/** An attempt that was sent, its master, and what its listener heard. */
function send(listener: Partial<AttemptListener> = {}) {
  const heard: unknown[] = []
  const listens: AttemptListener = {
    head: status => {
      heard.push(`head ${status}`)
      return true
    },
    data: chunk => heard.push(`data ${chunk}`),
    complete: () => heard.push('complete'),
    ended: ({ why, sent, answered, failure }) => heard.push({ why, sent, answered, cause: failure.cause }),
    defect: error => heard.push(`defect ${(error as Error).message}`),
    ...listener
  }
  const news = { heard() {}, causeOf: () => undefined }
  const attempt = new Attempt(master, 5, listens, news)
  const upstream = fakeMaster('m1.example.com:8140')
  attempt.send(upstream, exchange, ['X-Client-Verify', 'NONE'], undefined)
  return { attempt, request: upstream.last(), heard }
}

const breaks = () => {
  throw new Error('ours')
}

t.test('a master gets the request as the agent sent it, with its own name and the identity', async t => {
  const { request } = send()
  t.match(request.options, { path: '/puppet/v3/node/a?environment=b', method: 'GET', body: null })
  t.same(request.options.headers, [
    'Host',
    'm1.example.com:8140',
    'Accept',
    'application/json',
    'X-Client-Verify',
    'NONE'
  ])
})

t.test('an answer is heard from its head to its end', async t => {
  const { attempt, request, heard } = send()
  t.notOk(attempt.isSent)
  request.connect()
  t.ok(attempt.isSent)
  request.head(103)
  t.notOk(attempt.isAnswered, 'what comes before an answer is none')
  request.head(200)
  t.ok(attempt.isAnswered)
  request.data('a')
  request.data('b')
  request.end()
  t.same(heard, ['head 200', 'data a', 'data b', 'complete'])
})

t.test('what fails before the connection stands was not sent', async t => {
  const { request, heard } = send()
  request.fail('ECONNREFUSED')
  t.same(heard, [{ why: 'connect-failed', sent: false, answered: false, cause: 'ECONNREFUSED' }])
})

t.test('what breaks off later may have been sent, and answered', async t => {
  for (const answered of [false, true]) {
    const { request, heard } = send()
    request.connect()
    if (answered) request.head(200)
    request.fail('UND_ERR_SOCKET')
    t.same(heard.at(-1), { why: 'master-lost', sent: true, answered, cause: 'UND_ERR_SOCKET' })
  }
})

t.test('an answer that is declined is broken off and not answered', async t => {
  const { attempt, request, heard } = send({ head: () => false })
  request.connect()
  request.head(503)
  t.match(request.aborted(), { message: 'the master is busy' })
  t.notOk(attempt.isAnswered)
  t.match(heard, [{ why: 'declined', sent: true, answered: false }])
})

t.test(
  'when the agent has left before the connection stands, it is broken off as soon as it does',
  async t => {
    const { attempt, request, heard } = send()
    attempt.leave()
    attempt.abort()
    t.same(heard, [])
    request.connect()
    t.match(request.aborted(), { message: 'the agent hung up' })
    t.match(heard, [{ why: 'agent-gone' }])
  }
)

t.test('when the agent has left, its master works on, and its answer is dropped', async t => {
  const { attempt, request, heard } = send()
  request.connect()
  attempt.leave()
  t.equal(request.aborted(), undefined)
  request.head(200)
  t.match(request.aborted(), { message: 'the agent hung up' })
  t.match(heard, [{ why: 'agent-gone', answered: false }])
  t.equal(heard.length, 1)
})

t.test(
  'a defect at the head of an answer, or within it, is told once, and breaks the answer off',
  async t => {
    for (const where of ['head', 'data'] as const) {
      const { request, heard } = send({ [where]: breaks })
      request.connect()
      request.head(200)
      request.data('a')
      t.ok(request.aborted(), where)
      t.equal(heard.at(-1), 'defect ours')
      t.equal(heard.filter(each => each === 'defect ours').length, 1)
      t.notOk(heard.includes('complete'))
    }
  }
)

t.test('a defect at the end of an attempt is told, whether that was good or bad', async t => {
  for (const how of ['complete', 'ended'] as const) {
    const { request, heard } = send({ [how]: breaks })
    request.connect()
    if (how === 'ended') request.fail('UND_ERR_SOCKET')
    else {
      request.head(200)
      request.end()
    }
    t.equal(heard.at(-1), 'defect ours', how)
  }
})

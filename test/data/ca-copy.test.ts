import t from 'tap'
import { only } from '../../src/balance/eligibility.ts'
import type { CaCopy } from '../../src/data/http/ca-documents.ts'
import { deliveryScene, type Question } from './delivery-scene.ts'

const LATE_MS = 10_000

/** A request of a document whose copy is there; the test sees in place of which answer it is given. */
async function scene({ isThere = true } = {}) {
  const delivery = await deliveryScene()
  const { runtime, pool, upstreams, send } = delivery
  const given: string[] = []
  let underWay: ReturnType<typeof send> | undefined
  const copy: CaCopy = {
    isThere: () => isThere,
    standsIn(code) {
      const isToStandIn = isThere && underWay?.answer.heads === 0
      if (isToStandIn) given.push(code)
      return isToStandIn
    },
    awaitAnswer: giveUp => runtime.schedule(LATE_MS, () => isThere && giveUp()),
    given: status => given.push(`the CA's own ${status}`)
  }
  const question: Question = {
    method: 'GET',
    rule: 'ca',
    nobody: 'ca-unavailable',
    slot: null,
    repeatable: false,
    waits: false,
    eligible: tried => (tried.length === 0 ? only(pool[0]) : undefined),
    copy
  }
  underWay = send('a', question)
  return { ...delivery, ...underWay, given, request: upstreams[0].last() }
}

t.test('an answer that comes in time is passed on', async t => {
  const { request, runtime, given, answer } = await scene()
  request.connect()
  await runtime.advance(LATE_MS - 1)
  request.head(200)
  await runtime.advance(LATE_MS)
  request.data('PEM')
  request.end()
  t.match(answer, { status: 200, body: 'PEM' })
  t.same(given, ["the CA's own 200"])
})

for (const isConnected of [true, false])
  t.test(
    `a CA that ${isConnected ? 'took the request' : 'takes no connection'} and says nothing is given up`,
    async t => {
      const { request, runtime, given, board, upstreams } = await scene()
      if (isConnected) request.connect()
      await runtime.advance(LATE_MS)
      t.same([given, board()], [['master-timeout'], [0, 0]])
      if (isConnected) t.ok(request.aborted())
      else {
        request.connect()
        t.ok(request.aborted(), 'as soon as it connects')
      }
      t.equal(upstreams.flatMap(({ delivered }) => delivered).length, 1, 'and asked no second time')
    }
  )

t.test('without a copy the CA is waited for', async t => {
  const { request, runtime, given, answer } = await scene({ isThere: false })
  request.connect()
  await runtime.advance(20 * LATE_MS)
  t.equal(request.aborted(), undefined)
  request.head(500)
  request.end()
  t.equal(answer.status, 500, 'and its errors are passed on')
  t.same(given, ["the CA's own 500"])
})

t.test('an error of the CA, or a connection that fails, leads to the copy', async t => {
  for (const [fail, code] of [
    ['head', 'ca-unavailable'],
    ['ECONNREFUSED', 'ca-unavailable'],
    ['UND_ERR_SOCKET', 'master-lost'],
    ['UND_ERR_HEADERS_TIMEOUT', 'master-timeout']
  ] as const) {
    const { request, given, board, answer } = await scene()
    if (fail !== 'ECONNREFUSED') request.connect()
    if (fail === 'head') request.head(502)
    else request.fail(fail)
    t.same([given, board(), answer.heads], [[code], [0, 0], 0], fail)
  }
})

t.test('an answer that breaks off in the middle is cut, as ever', async t => {
  const { request, given, answer } = await scene()
  request.connect()
  request.head(200)
  request.data('half')
  request.fail('UND_ERR_SOCKET')
  t.match(answer, { status: 200, body: 'half', isCut: true })
  t.same(given, [])
})

t.test('for an agent that has left nothing is given', async t => {
  const { request, runtime, given, hangUp } = await scene()
  request.connect()
  hangUp()
  await runtime.advance(LATE_MS)
  t.same(given, [])
})

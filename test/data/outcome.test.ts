import t from 'tap'
import type { AnswerHeaders } from '../../src/data/http/attempt.ts'
import { createOutcomes } from '../../src/data/http/outcome.ts'
import type { Master } from '../../src/model/master.ts'
import { strangers } from '../../src/shared/slots/claimants.ts'
import { masters } from '../support/masters.ts'

const [, m1] = masters({ m0: 1, m1: 1 }) as [Master, Master]
const claimant = { cell: 77, slots: 4, places: 16 }

/** What is counted of one request. */
function setUp(slot: Parameters<typeof createOutcomes>[0]) {
  const added: unknown[][] = []
  const times: unknown[][] = []
  const outcomes = createOutcomes(
    slot,
    (...result) => void added.push(result),
    (...time) => void times.push(time)
  )
  const answered = (status: number, headers: AnswerHeaders = {}) =>
    outcomes.answered(m1, status, headers, 850)
  return {
    added,
    times,
    answered,
    unanswered: (reason: Parameters<typeof outcomes.unanswered>[1]) => outcomes.unanswered(m1, reason)
  }
}

for (const status of [200, 304]) {
  t.test(`a catalog with ${status} is given`, async t => {
    const { added, times, answered } = setUp({ rank: 'catalog', claimant })
    t.equal(answered(status), false)
    t.same(times, [[m1.seat, 850]])
    t.same(added, [
      [m1.seat, 'answered', 77],
      [m1.seat, 'given', 77]
    ])
  })
}

for (const status of [400, 403, 404, 500, 502, 503]) {
  t.test(`one with ${status} is none`, async t => {
    const { added, times, answered } = setUp({ rank: 'catalog', claimant })
    t.equal(answered(status), true)
    t.same(times, [], 'how long it took to fail is no time for a catalog')
    t.same(added.at(-1), [m1.seat, 'failed', 77, status])
  })
}

t.test('a master that says when it has time is busy, and fails nobody', async t => {
  const { added, answered } = setUp({ rank: 'catalog', claimant })
  t.equal(answered(503, { 'retry-after': '20' }), false)
  t.same(added, [[m1.seat, 'answered', 77]])
})

t.test('what other requests are answered with is between agent and master', async t => {
  for (const rank of ['light', 'report'] as const) {
    const { added, answered, unanswered } = setUp({ rank, claimant })
    t.equal(answered(500), false)
    t.equal(unanswered('master-lost'), false)
    t.same(added, [
      [m1.seat, 'answered', 77],
      [m1.seat, 'lost', 77]
    ])
  }
})

t.test('a catalog that is lost, or kept for too long, is none', async t => {
  for (const [reason, count] of [
    ['master-lost', 2],
    ['master-answer', 2],
    ['master-timeout', 1]
  ] as const) {
    const { added, unanswered } = setUp({ rank: 'catalog', claimant })
    t.equal(unanswered(reason), true)
    t.same(added.at(-1), [m1.seat, 'failed', 77, 0])
    t.equal(added.length, count)
  }
})

t.test('what was never sent, or is our own or the agent’s fault, says nothing here', async t => {
  for (const reason of ['connect-failed', 'own-fault', 'master-busy', 'bad-request'] as const) {
    const { added, unanswered } = setUp({ rank: 'catalog', claimant })
    t.equal(unanswered(reason), false)
    t.same(added, [])
  }
})

t.test('neither strangers nor what needs no JRuby have a say', async t => {
  for (const slot of [undefined, { rank: 'catalog', claimant: strangers } as const]) {
    const { added, answered, unanswered } = setUp(slot)
    t.same([answered(500), unanswered('master-lost')], [false, false])
    t.same(added, [])
  }
})

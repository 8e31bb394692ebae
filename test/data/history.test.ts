import t from 'tap'
import { beginTurn, endTurn } from '../../src/data/request-record.ts'
import { testDecisions } from '../support/history.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const [m1, m2, ca] = masters({ m1: 1, m2: 2, ca: 1 }) as [
  ReturnType<typeof masters>[number],
  ReturnType<typeof masters>[number],
  ReturnType<typeof masters>[number]
]
const told = {
  remote: '10.0.0.1',
  certname: 'a.example.com',
  class: 'light',
  queueMs: 0,
  end: undefined
} as const

t.test('a request is told with the masters as they were when its own was chosen', t => {
  let inFlight = [3, 2]
  const decisions = testDecisions(() => 0, {
    inFlight: index => inFlight[index] ?? 0,
    taken: index => index,
    foreign: index => (index === 0 ? 1 : 0)
  })
  const decision = decisions.open('a-0-0')
  decision.told = told
  decisions.choose(decision, 'policy', -1)
  inFlight = [9, 9]
  decisions.choose(decision, 'certname', 1)
  t.same(decisions.find('a-0-0'), {
    id: 'a-0-0',
    certname: 'a.example.com',
    class: 'light',
    rule: 'least-loaded',
    pinned: undefined,
    candidates: [
      { master: 'm1', open: 4, busy: 1, capacity: 4, weight: 1, score: 1 },
      { master: 'm2', open: 2, busy: 1, capacity: 4, weight: 2, score: 0.25 }
    ],
    tried: [],
    queueMs: 0,
    durationMs: 0,
    ageMs: 0,
    status: undefined,
    end: 'open'
  })
  t.end()
})

t.test('where the order of a name decides, each master has its place in it', t => {
  const decisions = testDecisions(() => 0)
  for (const certname of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const decision = decisions.open(certname)
    decision.told = { ...told, certname }
    decisions.choose(decision, 'certname', -1)
  }
  const placesOf = (id: string) => decisions.find(id)?.candidates.map(each => each.place) ?? []
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map(placesOf)
  for (const places of all) t.same([...places].sort(), [1, 2])
  t.equal(new Set(all.map(String)).size, 2, 'not everybody begins on the same')
  t.end()
})

t.test('the CA is no choice', t => {
  const decisions = testDecisions(() => 0, { masters: [m1, m2, ca] })
  const decision = decisions.open('a')
  decisions.choose(decision, 'ca', -1)
  t.match(decisions.find('a'), { rule: 'ca', candidates: [] })
  t.end()
})

t.test('each master’s turn has its end and its time, and goes on until then', async t => {
  const runtime = fakeRuntime()
  const decisions = testDecisions(runtime.now)
  const decision = decisions.open('a')
  await runtime.advance(5)
  endTurn(beginTurn(decision, m1, runtime.now()), 'connect-failed', 1.25)
  const second = beginTurn(decision, m2, runtime.now())
  await runtime.advance(30)
  const first = { master: 'm1', end: 'connect-failed', ms: 1.3 }
  t.same(decisions.find('a')?.tried, [first, { master: 'm2', end: 'open', ms: 30 }])
  endTurn(second, 'complete', 31)
  t.same(decisions.find('a')?.tried, [first, { master: 'm2', end: 'complete', ms: 31 }])
})

t.test('the oldest is forgotten, and cannot spoil what is told of those that came after it', t => {
  let load = 0
  const decisions = testDecisions(() => 0, { size: 3, inFlight: () => load })
  const [late, early] = ['a', 'b', 'c', 'd', 'e'].map((id, index) => {
    const decision = decisions.open(id)
    load = index
    if (id !== 'a') decisions.choose(decision, 'policy', -1)
    return decision
  })
  load = 99
  if (late) decisions.choose(late, 'policy', -1)
  for (const id of ['a', 'b', 'f']) t.equal(decisions.find(id), undefined, id)
  for (const [id, open] of [
    ['c', 2],
    ['d', 3],
    ['e', 4]
  ] as const) {
    t.match(decisions.find(id), { candidates: [{ open }, { open }] }, id)
  }
  t.same(early && decisions.reasonsOf(early).candidates, [], 'nor be told with their numbers')
  t.end()
})

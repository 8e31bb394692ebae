import t from 'tap'
import { beginTurn, endTurn, type RequestSummary } from '../../src/data/request-record.ts'
import type { Master } from '../../src/model/master.ts'
import { testHistory } from '../support/history.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const [m1, m2] = masters({ m1: 1, m2: 2 }) as [Master, Master]
const summary: RequestSummary = {
  remote: '10.0.0.1',
  certname: 'a.example.com',
  class: 'light',
  queueMs: 0,
  end: undefined
}

t.test('a request is told with the masters as they were when its own was chosen', async t => {
  let inFlight = [3, 2]
  const history = testHistory(() => 0, {
    inFlight: seat => inFlight[seat] ?? 0,
    taken: seat => seat,
    foreign: seat => (seat === 0 ? 1 : 0)
  })
  const record = history.open('a-0-0')
  record.summary = summary
  history.note(record, 'least-loaded', undefined)
  inFlight = [9, 9]
  history.note(record, 'certname', m1)
  t.same(history.find('a-0-0'), {
    id: 'a-0-0',
    remote: '10.0.0.1',
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
})

t.test('masters that have left since, or whose seats are taken by others, are told as they were', async t => {
  let tier: readonly Master[] = [m1, m2]
  const history = testHistory(() => 0, { tier: () => tier })
  const early = history.open('early')
  history.note(early, 'least-loaded', m2)
  tier = masters({ newcomer: 5 })
  history.note(history.open('late'), 'least-loaded', undefined)
  t.match(history.find('early'), {
    pinned: 'm2',
    candidates: [{ master: 'm1', weight: 1 }, { master: 'm2' }]
  })
  t.match(history.find('late'), { candidates: [{ master: 'newcomer', weight: 5 }] })
  t.equal(history.find('late')?.candidates.length, 1)
})

t.test(
  'a master that starts slowly, or failed catalogs, is told with all of its JRubies and why they count less',
  async t => {
    const history = testHistory(() => 0, {
      inFlight: seat => (seat === 0 ? 2 : 1),
      taken: seat => (seat === 0 ? 2 : 1),
      warm: seat => (seat === 0 ? 1 : 4),
      failed: seat => (seat === 0 ? 0 : 3)
    })
    history.note(history.open('a'), 'least-loaded', undefined)
    t.same(history.find('a')?.candidates, [
      { master: 'm1', open: 2, busy: 2, capacity: 4, started: 1, weight: 1, score: 2 },
      { master: 'm2', open: 1, busy: 1, capacity: 4, failed: 3, weight: 2, score: 0.5 }
    ])
  }
)

t.test('a master whose capacity nobody knows counts as one JRuby', async t => {
  const history = testHistory(() => 0, { tier: () => [m1], capacity: () => 0, inFlight: () => 2 })
  history.note(history.open('a'), 'least-loaded', undefined)
  t.match(history.find('a')?.candidates, [{ capacity: 0, score: 2 }])
})

t.test('where the order of a name decides, each master has its place in it', async t => {
  const history = testHistory(() => 0)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const certname of names) {
    const record = history.open(certname)
    record.summary = { ...summary, certname }
    history.note(record, 'certname', undefined)
  }
  const all = names.map(id => history.find(id)?.candidates.map(each => each.place) ?? [])
  for (const places of all) t.same([...places].sort(), [1, 2])
  t.equal(new Set(all.map(String)).size, 2, 'not everybody begins on the same')
})

t.test('the CA is no choice', async t => {
  const history = testHistory(() => 0)
  history.note(history.open('a'), 'ca', undefined)
  t.match(history.find('a'), { rule: 'ca', candidates: [] })
  t.equal(history.find('a')?.candidates.length, 0)
})

t.test('each master’s turn has its end and its time, and goes on until then', async t => {
  const runtime = fakeRuntime()
  const history = testHistory(runtime.now)
  const record = history.open('a')
  await runtime.advance(5)
  endTurn(beginTurn(record, m1, runtime.now()), 'connect-failed', 1.25)
  const second = beginTurn(record, m2, runtime.now())
  await runtime.advance(30)
  const first = { master: 'm1', end: 'connect-failed', ms: 1.3 }
  t.same(history.find('a')?.tried, [first, { master: 'm2', end: 'open', ms: 30 }])
  endTurn(second, 'complete', 31)
  t.same(history.find('a')?.tried, [first, { master: 'm2', end: 'complete', ms: 31 }])
})

t.test('the pool that is told is that of the master that has it', async t => {
  const history = testHistory(() => 0, { poolOf: ({ pool }) => pool })
  const record = history.open('a')
  record.goal = { pool: 'site-b', otherwise: 'default', route: 0 }
  history.note(record, 'policy', undefined)
  t.equal(record.pool, 'site-b')
  beginTurn(record, { ...m1, pools: ['site-b'] }, 0)
  t.equal(record.pool, 'site-b')
  beginTurn(record, { ...m1, pools: ['default'] }, 0)
  t.equal(record.pool, 'default', 'a phase of a run goes on where it began')
})

t.test('one that waits is told with the time it has waited until now', async t => {
  const runtime = fakeRuntime()
  const history = testHistory(runtime.now)
  const record = history.open('a')
  record.summary = { ...summary, queueMs: 200 }
  record.waitsSinceMs = runtime.now()
  await runtime.advance(500)
  t.match(history.find('a'), { queueMs: 700, durationMs: 500, ageMs: 500, end: 'open' })
})

t.test('the oldest is forgotten, and cannot spoil what is told of those that came after it', async t => {
  let load = 0
  const history = testHistory(() => 0, { size: 3, inFlight: () => load })
  const [oldest] = ['a', 'b', 'c', 'd', 'e'].map((id, index) => {
    const record = history.open(id)
    load = index
    if (id !== 'a') history.note(record, 'least-loaded', undefined)
    return record
  })
  load = 99
  if (oldest) history.note(oldest, 'least-loaded', undefined)
  for (const id of ['a', 'b', 'f']) t.equal(history.find(id), undefined, id)
  for (const [id, open] of [
    ['c', 2],
    ['d', 3],
    ['e', 4]
  ] as const) {
    t.match(history.find(id), { candidates: [{ open }, { open }] }, id)
  }
})

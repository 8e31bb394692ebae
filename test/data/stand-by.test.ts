import t from 'tap'
import { deliveryScene, type Question } from './delivery-scene.ts'

const idle = [0, 0]
/** An agent that would not come back, with a request that may be repeated. */
const stays: Question = { comesBack: () => false }
/** A master's own words past its `max-queued-requests`. */
const busy = { 'retry-after': '600' }
const AWAY_MS = 300_000

t.test('while no master serves, a request waits, and goes to the first that does', async t => {
  const { runtime, pool, upstreams, send, serveOnly, table, entries, waits, history } = await deliveryScene()
  serveOnly([])
  const { answer } = send('a', stays)
  await runtime.advance(40_000)
  t.same([answer.status, table.depth()], [undefined, 1])
  t.match(history.find('a'), { queueMs: 40_000, end: 'open' })
  serveOnly([pool[1]])
  await runtime.advance(0)
  const request = upstreams[1].last()
  request.connect()
  request.head(200)
  request.end()
  t.equal(answer.status, 200)
  t.match(entries, [{ master: 'm1', attempts: 1, queueMs: 40_000, end: 'complete' }])
  t.same(await waits(), { count: 1, seconds: 40 })
  t.equal(table.depth(), 0)
})

t.test('an agent that comes back is sent away at once', async t => {
  const { send, serveOnly, table } = await deliveryScene()
  serveOnly([])
  const { answer } = send('a', { comesBack: () => true, headers: { 'x-puppet-version': '8.10.0' } })
  t.equal(answer.status, 503)
  t.match(answer.headers.get('retry-after'), /^\d+$/)
  t.equal(table.depth(), 0)
})

t.test('one that comes back too few times waits first, and is then told to stay away for longer', async t => {
  const { runtime, send, serveOnly, table } = await deliveryScene()
  serveOnly([])
  const { answer } = send('a', {
    comesBack: () => true,
    outlasts: () => false,
    slot: { timeoutMs: 2 * AWAY_MS },
    headers: { 'x-puppet-version': '6.13.0' }
  })
  await runtime.advance(AWAY_MS - 1)
  t.same([answer.status, table.depth()], [undefined, 1])
  await runtime.advance(1)
  t.equal(answer.status, 503)
  const seconds = Number(answer.headers.get('retry-after'))
  t.ok(seconds >= 54 && seconds <= 79, `${seconds} s`)
  t.equal(table.depth(), 0)
})

t.test('what only asks for a state does not wait', async t => {
  const { send, serveOnly } = await deliveryScene()
  serveOnly([])
  t.equal(send('a', { ...stays, waits: false, slot: null }).answer.status, 503)
})

t.test('after a wait that was long enough there is a plain 503', async t => {
  const { runtime, send, serveOnly, table, entries, metrics } = await deliveryScene()
  serveOnly([])
  const { answer } = send('a', stays)
  await runtime.advance(AWAY_MS - 1)
  t.equal(answer.status, undefined)
  await runtime.advance(1)
  t.equal(answer.status, 503)
  t.equal(answer.headers.get('x-puppet-lb-reason'), 'no-master')
  t.notOk(answer.headers.has('retry-after'))
  t.match(entries, [{ end: 'no-master', attempts: 0, queueMs: AWAY_MS }])
  t.match((await metrics.shed.get()).values, [{ labels: { reason: 'no-master' }, value: 1 }])
  t.equal(table.depth(), 0)
})

t.test('masters that vanish while a request waits for their JRubies do not cost it its place', async t => {
  const { runtime, pool, upstreams, send, serveOnly, table } = await deliveryScene()
  for (const id of ['1', '2']) send(id)
  const { answer } = send('a', stays)
  await runtime.advance(100_000)
  serveOnly([])
  await runtime.advance(200_000)
  t.same([answer.status, table.depth()], [undefined, 1])
  upstreams[0].last().connect()
  upstreams[0].last().fail('UND_ERR_SOCKET')
  serveOnly([pool[0]])
  await runtime.advance(0)
  t.equal(upstreams[0].delivered.length, 2)
})

t.test(
  'when every master has refused the connection, they are asked anew after a pause, in vain',
  async t => {
    const { runtime, upstreams, send, entries, table, metrics, board } = await deliveryScene()
    for (const upstream of upstreams) upstream.refuse()
    const { answer } = send('a', stays)
    const asked = () => upstreams.map(({ delivered }) => delivered.length)
    t.same(asked(), [1, 1])
    await runtime.advance(300)
    t.same(asked(), [1, 1])
    await runtime.advance(400)
    t.same(asked(), [2, 2])
    await runtime.advance(AWAY_MS)
    t.equal(answer.status, 503)
    const [rounds = 0] = asked()
    t.ok(rounds > 30 && rounds < 50, `${rounds} rounds`)
    t.match(entries, [{ end: 'no-master', attempts: 2 * rounds }])
    t.same([table.depth(), board()], [0, idle])
    t.match((await metrics.retries.get()).values, [{ value: 2 * rounds - 1 }])
  }
)

t.test('and with success once one takes it, though the request must not be repeated', async t => {
  const { runtime, upstreams, send, board, taken } = await deliveryScene()
  const { answer } = send('a', { ...stays, repeatable: false, rank: 'report' })
  for (const upstream of upstreams) upstream.last().fail('ECONNREFUSED')
  t.same([board(), taken()], [idle, idle], 'it keeps no JRuby meanwhile')
  await runtime.advance(1_000)
  upstreams[0].last().connect()
  upstreams[0].last().head(200)
  upstreams[0].last().end()
  t.equal(answer.status, 200)
})

t.test('what this machine lacks is waited for as well', async t => {
  const { runtime, upstreams, send, entries } = await deliveryScene()
  const { answer } = send('a', stays)
  for (const upstream of upstreams) upstream.last().fail('EMFILE')
  t.equal(answer.status, undefined)
  await runtime.advance(1_000)
  t.equal(upstreams[0].delivered.length, 2)
  for (const upstream of upstreams) upstream.last().fail('EMFILE')
  await runtime.advance(AWAY_MS)
  t.ok(entries.length === 0, 'it is being tried')
  upstreams[0].last().fail('EMFILE')
  upstreams[1].last().fail('EMFILE')
  t.match(entries, [{ end: 'no-connection', status: 503 }])
})

t.test('an agent that hangs up while it waits leaves nothing behind', async t => {
  for (const isTried of [false, true]) {
    const { runtime, upstreams, send, serveOnly, table, entries, board } = await deliveryScene()
    if (isTried) for (const upstream of upstreams) upstream.refuse()
    else serveOnly([])
    const { hangUp, exchange } = send('a', stays)
    t.equal(table.depth(), 1)
    const { attempts } = exchange
    await runtime.advance(100)
    hangUp()
    t.match(entries, [{ end: 'agent-gone', status: 499, queueMs: 100 }])
    await runtime.advance(600_000)
    t.same([exchange.attempts, table.depth(), board()], [attempts, 0, idle])
  }
})

t.test('what needs no JRuby waits for a master, too, and has one for once', async t => {
  const { runtime, pool, upstreams, send, serveOnly, table, taken, board } = await deliveryScene()
  const content = { ...stays, rank: 'light', slot: { isNeeded: false } } as const
  for (const id of ['1', '2']) send(id, content)
  t.same([taken(), board()], [idle, [2, 0]], 'usually it has none')
  serveOnly([])
  const { answer } = send('a', content)
  t.equal(table.depth(), 1)
  serveOnly(pool)
  await runtime.advance(0)
  t.same(taken(), [1, 0])
  upstreams[0].last().connect()
  upstreams[0].last().head(200)
  t.same(taken(), idle)
  upstreams[0].last().end()
  t.equal(answer.status, 200)
})

t.test('a long outage is not waited out by every request', async t => {
  const { runtime, pool, upstreams, send, serveOnly } = await deliveryScene()
  serveOnly([])
  for (let count = 0; count < 4; count++) {
    send(`early ${count}`, stays)
    await runtime.advance(AWAY_MS)
  }
  t.equal(send('late', stays).answer.status, 503, 'after a quarter of an hour')
  serveOnly(pool)
  send('served', stays)
  upstreams[0].last().connect()
  upstreams[0].last().head(200)
  upstreams[0].last().end()
  serveOnly([])
  t.equal(send('next', stays).answer.status, undefined, 'a new one is')
})

const forCa: Question = {
  ...stays,
  rule: 'ca',
  nobody: 'ca-unavailable',
  repeatable: false,
  slot: null,
  method: 'PUT',
  headers: { 'content-length': '3' }
}

t.test('what is for the CA waits without its body, and without a place in the queue', async t => {
  const { runtime, pool, upstreams, send, table, entries, waits } = await deliveryScene()
  const [ca] = pool
  const only: Question['eligible'] = tried =>
    tried.length === 0 ? { pinned: ca, candidates: [], mask: new Int32Array(8) } : undefined
  const { answer, exchange } = send('a', { ...forCa, eligible: only })
  upstreams[0].last().fail('ECONNREFUSED')
  await runtime.advance(300)
  t.same([exchange.request.listenerCount('data'), table.depth(), answer.status], [0, 0, undefined])
  await runtime.advance(300)
  const again = upstreams[0].last()
  again.connect()
  again.fail('UND_ERR_SOCKET')
  t.equal(answer.status, 502, 'once a byte was sent it is not sent again')
  t.equal(upstreams[0].delivered.length, 2)
  t.match(entries, [{ attempts: 2, end: 'master-lost' }])
  t.equal((await waits()).count, 1)
})

t.test('where it finds no place to wait the CA is asked at once, and then it is refused', async t => {
  const { pool, upstreams, send, metrics, entries } = await deliveryScene({
    caPlaces: { enter: () => undefined, reconsider() {}, close() {} }
  })
  const { answer } = send('a', { ...forCa, eligible: () => undefined, lastResort: () => pool[0] })
  upstreams[0].last().fail('ECONNREFUSED')
  t.equal(answer.status, 503)
  t.notOk(answer.headers.has('retry-after'))
  t.match((await metrics.limitRefusals.get()).values, [{ labels: { limit: 'caPlaces' } }])
  t.match(entries, [{ attempts: 1, end: 'ca-unavailable' }])
})

t.test('a busy master’s 503 makes no agent wait that comes back', async t => {
  const { upstreams, send } = await deliveryScene()
  send('other', { pick: candidates => candidates.at(-1) })
  const { answer } = send('a', { comesBack: () => true })
  upstreams[0].last().connect()
  upstreams[0].last().head(503, busy)
  t.match([answer.status, answer.headers.get('retry-after')], [503, '600'], 'it is passed on unchanged')
})

t.test('any other agent waits for the busy masters, which are asked again at a distance', async t => {
  const { runtime, upstreams, send, entries, history, metrics } = await deliveryScene()
  const { answer } = send('a', stays)
  for (const upstream of upstreams) {
    upstream.last().connect()
    upstream.last().head(503, busy)
  }
  t.equal(answer.status, undefined)
  await runtime.advance(3_900)
  t.equal(upstreams[0].delivered.length, 1)
  await runtime.advance(2_200)
  t.equal(upstreams[0].delivered.length, 2)
  upstreams[0].last().connect()
  upstreams[0].last().head(200)
  upstreams[0].last().end()
  t.equal(answer.status, 200)
  t.match(history.find('a')?.tried, [
    { master: 'm0', end: 'master-busy' },
    { master: 'm1', end: 'master-busy' },
    { master: 'm0', end: 'complete' }
  ])
  t.match(entries, [{ attempts: 3, end: 'complete' }])
  t.match((await metrics.retries.get()).values, [{ labels: { reason: 'master-busy' }, value: 2 }])
})

t.test('a busy master is not waited for without end, and its time is not passed on', async t => {
  const { runtime, upstreams, send, entries } = await deliveryScene()
  const { answer } = send('a', stays)
  const decline = () => {
    for (const upstream of upstreams) {
      upstream.last().connect()
      upstream.last().head(503, busy)
    }
  }
  decline()
  for (let minute = 0; minute < 6; minute++) {
    await runtime.advance(60_000)
    decline()
  }
  t.equal(answer.status, 503)
  t.equal(answer.headers.get('x-puppet-lb-reason'), 'queue-timeout')
  t.notOk(answer.headers.has('retry-after'))
  t.match(entries, [{ end: 'queue-timeout' }])
  t.ok(upstreams[0].delivered.length <= 8, `${upstreams[0].delivered.length} attempts in five minutes`)
})

t.test('however many wait for busy masters, the budget bounds how often these are asked', async t => {
  let tokens = 0
  const { runtime, upstreams, send } = await deliveryScene({
    budgetOf: () => ({ earn() {}, take: () => tokens-- > 0 })
  })
  const { answer } = send('a', stays)
  for (const upstream of upstreams) {
    upstream.last().connect()
    upstream.last().head(503, busy)
  }
  await runtime.advance(60_000)
  t.same([answer.status, upstreams[0].delivered.length], [undefined, 1])
  tokens = 1
  await runtime.advance(12_000)
  t.equal(upstreams[0].delivered.length, 2)
})

t.test('where a busy master’s 503 has to be passed on, it says nothing of coming back', async t => {
  const { upstreams, send } = await deliveryScene()
  // More than is kept in hand, and so gone with the first master.
  const { answer } = send('a', { ...stays, complete: false })
  upstreams[0].last().connect()
  upstreams[0].last().head(503, { ...busy, 'x-puppet-version': '7.9.5' })
  t.equal(answer.status, 503)
  t.notOk(answer.headers.has('retry-after'))
  t.equal(answer.headers.get('x-puppet-version'), '7.9.5')
  t.equal(upstreams[1].delivered.length, 0)
})

t.test('content in the filebucket waits for its own master', async t => {
  for (const [headers, repeatable] of [
    [busy, false],
    [{}, true]
  ] as const) {
    const { runtime, upstreams, send } = await deliveryScene()
    const { answer } = send('a', { ...stays, rule: 'content', rank: 'light', repeatable })
    upstreams[0].last().connect()
    upstreams[0].last().head(503, headers)
    await runtime.advance(6_000)
    t.same([upstreams[0].delivered.length, upstreams[1].delivered.length], [2, 0])
    upstreams[0].last().connect()
    upstreams[0].last().head(200)
    upstreams[0].last().end()
    t.equal(answer.status, 200)
  }
})

t.test('a 503 that says nothing of coming back sends what may be repeated to another master', async t => {
  for (const comesBack of [true, false]) {
    const { upstreams, send, taken, history } = await deliveryScene({
      budgetOf: () => ({ earn() {}, take: () => t.fail('it has not been run, so it costs nothing') })
    })
    const { answer } = send('a', { comesBack: () => comesBack })
    upstreams[0].last().connect()
    upstreams[0].last().head(503, { 'content-type': 'text/plain' })
    t.ok(upstreams[0].last().aborted())
    t.same([answer.status, taken()], [undefined, [0, 1]])
    upstreams[1].last().connect()
    upstreams[1].last().head(200)
    upstreams[1].last().end()
    t.equal(answer.status, 200)
    t.match(history.find('a')?.tried, [
      { master: 'm0', end: 'master-unavailable' },
      { master: 'm1', end: 'complete' }
    ])
  }
})

t.test('it waits for a JRuby there, if need be', async t => {
  const { runtime, upstreams, send } = await deliveryScene()
  send('other', { pick: candidates => candidates.at(-1) })
  const { answer } = send('a')
  upstreams[0].last().connect()
  upstreams[0].last().head(503)
  await runtime.advance(1_000)
  t.equal(answer.status, undefined)
  upstreams[1].last().connect()
  upstreams[1].last().head(200)
  upstreams[1].last().end()
  await runtime.advance(0)
  t.equal(upstreams[1].delivered.length, 2)
})

t.test('when every master says so, agents that come back are told when, and others wait', async t => {
  const { runtime, upstreams, send, entries } = await deliveryScene()
  const decline = () => {
    for (const upstream of upstreams) {
      upstream.last().connect()
      upstream.last().head(503)
    }
  }
  const told = send('a', { comesBack: () => true, headers: { 'x-puppet-version': '8.10.0' } })
  decline()
  t.equal(told.answer.status, 503)
  t.match(told.answer.headers.get('retry-after'), /^\d+$/)
  t.match(entries, [{ end: 'no-master', attempts: 2 }])
  const { answer } = send('b', stays)
  decline()
  await runtime.advance(1_000)
  t.same([answer.status, upstreams[0].delivered.length], [undefined, 3])
})

t.test('a report that a master would not take is not sent again, and its agent hears so', async t => {
  const { upstreams, send } = await deliveryScene()
  for (const comesBack of [true, false]) {
    const { answer } = send('a', { comesBack: () => comesBack, repeatable: false, rank: 'report' })
    upstreams[0].last().connect()
    upstreams[0].last().head(503)
    upstreams[0].last().end()
    t.equal(answer.status, 503)
  }
  t.equal(upstreams[1].delivered.length, 0)
})

t.test('very many attempts are told by the first and the last', async t => {
  const { runtime, upstreams, send, history, entries } = await deliveryScene()
  for (const upstream of upstreams) upstream.refuse()
  send('a', stays)
  await runtime.advance(AWAY_MS)
  const told = history.find('a')
  t.equal(told?.tried.length, 32)
  t.equal((told?.leftOut ?? 0) + 32, entries[0]?.attempts)
})

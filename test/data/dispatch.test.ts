import type { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { only } from '../../src/balance/eligibility.ts'
import { createRequestsUnderWay } from '../../src/data/http/moving-on.ts'
import type { Master } from '../../src/model/master.ts'
import { deliveryScene, snapshotOf } from './delivery-scene.ts'

const idle = [0, 0]

t.test('a request goes to its master, and the answer to its agent', async t => {
  const { runtime, upstreams, send, board, taken, entries, history } = await deliveryScene()
  const { answer } = send('a')
  t.same(
    [board(), taken()],
    [
      [1, 0],
      [1, 0]
    ]
  )
  await runtime.advance(100)
  const request = upstreams[0].last()
  request.connect()
  request.head(200, { 'content-type': 'text/plain' })
  t.same([board(), taken()], [[1, 0], idle], 'with the head of its answer the JRuby is free again')
  request.data('a cata')
  request.data('log')
  t.match(entries, [])
  request.end()
  t.match(answer, { status: 200, body: 'a catalog', isCut: false })
  t.equal(answer.headers.get('content-type'), 'text/plain')
  t.same([board(), taken()], [idle, idle])
  t.match(entries, [{ id: 'a', master: 'm0', attempts: 1, bytesOut: 9, upstreamMs: 100, end: 'complete' }])
  t.match(history.find('a')?.tried, [{ master: 'm0', end: 'complete', ms: 100 }])
})

t.test('one that needs no JRuby takes none', async t => {
  const { upstreams, send, board, taken, table } = await deliveryScene()
  for (const id of ['a', 'b', 'c']) send(id, { slot: null })
  t.same([board(), taken(), table.depth()], [[3, 0], idle, 0])
  t.equal(upstreams[0].delivered.length, 3)
})

t.test('the policy chooses, and who got the request is told before it is sent', async t => {
  const { upstreams, send } = await deliveryScene()
  const chosen: string[] = []
  send('a', {
    pick: candidates => candidates.at(-1),
    slot: {
      chosen: ({ name }) => chosen.push(`${name} after ${upstreams[1].delivered.length}`)
    }
  })
  t.same(chosen, ['m1 after 0'])
  t.equal(upstreams[1].delivered.length, 1)
})

t.test('when nobody is left, the agent is told what its plan says', async t => {
  const { send, board, entries } = await deliveryScene()
  const ca = send('a', { slot: null, eligible: () => undefined, nobody: 'ca-unavailable' })
  const master = send('b', { eligible: () => undefined })
  t.same([ca.answer.status, master.answer.status, board()], [503, 503, idle])
  t.match(entries, [
    { end: 'ca-unavailable', attempts: 0 },
    { end: 'no-master', attempts: 0 }
  ])
})

t.test('a master that cannot be reached is reported, and the next one gets the request', async t => {
  const { runtime, pool, upstreams, send, board, taken, outcomes, metrics } = await deliveryScene()
  send('a')
  await runtime.advance(50)
  upstreams[0].last().fail('ECONNREFUSED')
  t.same(outcomes, [
    { masterId: pool[0].id, result: 'connect-failed', cause: 'it refuses connections (ECONNREFUSED)' }
  ])
  t.same(
    [board(), taken()],
    [
      [0, 1],
      [0, 1]
    ]
  )
  upstreams[1].last().fail('ECONNREFUSED')
  t.same([board(), taken()], [idle, idle])
  t.match((await metrics.retries.get()).values, [{ labels: { reason: 'connect-failed' }, value: 1 }])
})

t.test('what a master had and lost is sent once more if it may be, and not again', async t => {
  for (const [repeatable, masters] of [
    [true, 2],
    [false, 1]
  ] as const) {
    const { upstreams, send, board, taken, outcomes } = await deliveryScene()
    const { answer, exchange } = send('a', { repeatable })
    for (const upstream of upstreams) {
      upstream.delivered[0]?.connect()
      upstream.delivered[0]?.fail('UND_ERR_SOCKET')
    }
    t.equal(exchange.attempts, masters)
    t.equal(answer.status, 502)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'master-lost')
    t.same(outcomes, [], 'only what cannot be reached is news of a master')
    t.same([board(), taken()], [idle, idle])
  }
})

t.test('an answer that breaks off is cut, and nobody else is asked', async t => {
  const { upstreams, send, board, taken, entries } = await deliveryScene()
  const { answer } = send('a')
  upstreams[0].last().connect()
  upstreams[0].last().head(200)
  upstreams[0].last().fail('UND_ERR_SOCKET')
  t.match(answer, { status: 200, isCut: true })
  t.same([board(), taken(), upstreams[1].delivered.length], [idle, idle, 0])
  t.match(entries, [{ end: 'master-lost' }])
})

const busy = { 'retry-after': '5' }

t.test('a busy master’s request goes to another that has room now', async t => {
  const { upstreams, send, taken, history } = await deliveryScene()
  const { answer } = send('a')
  upstreams[0].last().connect()
  upstreams[0].last().head(503, busy)
  t.equal(upstreams[0].last().aborted()?.message, 'the master is busy')
  t.same([answer.status, taken()], [undefined, [0, 1]])
  upstreams[1].last().connect()
  upstreams[1].last().head(200)
  upstreams[1].last().end()
  t.equal(answer.status, 200)
  t.match(history.find('a')?.tried, [
    { master: 'm0', end: 'master-busy' },
    { master: 'm1', end: 'complete' }
  ])
})

t.test('a busy master’s answer is passed on where no other has room, or none has the content', async t => {
  const full = await deliveryScene()
  full.send('other', { pick: candidates => candidates.at(-1) })
  const alone = await deliveryScene()
  for (const [{ upstreams, send }, rule] of [
    [full, 'least-loaded'],
    [alone, 'content']
  ] as const) {
    const { answer } = send('a', { rule })
    upstreams[0].last().connect()
    upstreams[0].last().head(503, busy)
    t.match([answer.status, answer.headers.get('retry-after')], [503, '5'], rule)
  }
})

t.test('an agent that leaves while its master compiles leaves the slot taken until it is done', async t => {
  const { runtime, upstreams, send, board, taken, table, entries } = await deliveryScene()
  const { hangUp } = send('a')
  upstreams[0].last().connect()
  await runtime.advance(1_000)
  hangUp()
  t.match(entries, [{ end: 'agent-gone', status: 499, upstreamMs: 1_000 }])
  t.same([board(), taken(), table.ghosts(0)], [[1, 0], [1, 0], 1])
  await runtime.advance(60_000)
  upstreams[0].last().head(200)
  t.ok(upstreams[0].last().aborted(), 'nobody wants the answer')
  t.same([board(), taken(), table.ghosts(0)], [idle, idle, 0])
})

t.test('a master that says it is done with what an agent left is believed', async t => {
  const { runtime, pool, upstreams, send, board, taken, room } = await deliveryScene()
  const { hangUp } = send('a')
  upstreams[0].last().connect()
  hangUp()
  await runtime.advance(10)
  room.dropGhosts(pool[0].id, runtime.now())
  t.ok(upstreams[0].last().aborted())
  t.same([board(), taken()], [idle, idle])
})

t.test(
  'an agent that leaves with its request half sent, or its answer half read, frees its master',
  async t => {
    for (const isAnswered of [false, true]) {
      const { upstreams, send, board, taken } = await deliveryScene()
      const { hangUp } = send('a', { complete: isAnswered })
      upstreams[0].last().connect()
      if (isAnswered) upstreams[0].last().head(200)
      hangUp()
      t.ok(upstreams[0].last().aborted())
      t.same([board(), taken()], [idle, idle])
    }
  }
)

t.test('an agent that leaves the queue has waited until then, and its place is free', async t => {
  const { runtime, send, table, entries, history, waits } = await deliveryScene()
  for (const id of ['1', '2']) send(id)
  const { hangUp } = send('a')
  await runtime.advance(700)
  t.match(history.find('a'), { queueMs: 700, end: 'open' })
  hangUp()
  await runtime.advance(300)
  t.match(entries, [{ id: 'a', queueMs: 700, end: 'agent-gone' }])
  t.match(history.find('a'), { queueMs: 700, durationMs: 700, ageMs: 1000, end: 'agent-gone' })
  t.equal(table.depth(), 0)
  t.same(await waits(), { count: 3, seconds: 0.7 })
})

t.test('whoever is sent away from the queue has waited as well', async t => {
  const { runtime, pool, send, serveOnly, entries, waits } = await deliveryScene()
  for (const id of ['1', '2']) send(id)
  const late = send('late')
  await runtime.advance(30_000)
  t.equal(late.answer.status, 503)
  const full = send('full', { slot: { limit: 0 } })
  t.equal(full.answer.status, 503)
  const stranded = send('stranded', { slot: { timeoutMs: 90_000 } })
  await runtime.advance(5_000)
  serveOnly([pool[0]])
  t.equal(stranded.answer.status, undefined)
  serveOnly([])
  t.equal(stranded.answer.status, 503)
  t.match(entries, [
    { id: 'late', queueMs: 30_000, end: 'queue-timeout' },
    { id: 'full', queueMs: 0, end: 'queue-full' },
    { id: 'stranded', queueMs: 5_000, end: 'no-master' }
  ])
  t.same(await waits(), { count: 5, seconds: 35 })
})

t.test('whoever got a slot in the end has waited too, each time that it had to', async t => {
  const { runtime, upstreams, send, entries, waits } = await deliveryScene()
  const { exchange } = send('first')
  send('second')
  const third = send('third')
  await runtime.advance(2_000)
  for (const end of ['connect', 'end'] as const) {
    if (end === 'end') upstreams[0].delivered[0]?.head(200)
    upstreams[0].delivered[0]?.[end]()
  }
  await runtime.advance(1)
  t.equal(upstreams[0].delivered.length, 2)
  upstreams[0].last().fail('ECONNREFUSED')
  await runtime.advance(3_000)
  upstreams[1].last().connect()
  upstreams[1].last().head(200)
  upstreams[1].last().end()
  await runtime.advance(1)
  t.equal(upstreams[1].delivered.length, 2)
  t.equal(exchange.queueMs, 0)
  t.equal(third.exchange.queueMs, 5_000)
  t.match(entries.length, 2)
  t.same(await waits(), { count: 4, seconds: 5 })
})

t.test(
  'one that failed at once and waits for another leaves no place behind when its agent goes',
  async t => {
    const { runtime, upstreams, send, table, taken } = await deliveryScene()
    send('other', { pick: candidates => candidates.at(-1) })
    upstreams[0].refuse()
    const { hangUp, exchange } = send('a')
    t.equal(exchange.attempts, 1)
    t.equal(table.depth(), 1)
    hangUp()
    t.equal(table.depth(), 0)
    upstreams[1].last().fail('UND_ERR_SOCKET')
    await runtime.advance(1)
    t.same(taken(), idle)
  }
)

t.test('a catalog that its master failed counts on there, and its run is not bound to it', async t => {
  const { send, pool, runtime, upstreams, table, taken } = await deliveryScene()
  const failed: string[] = []
  const slot = { failed: (master: Master) => void failed.push(master.name) }
  send('good', { slot })
  await runtime.advance(8_000)
  upstreams[0].last().head(200)
  upstreams[0].last().end()
  send('bad', { slot })
  upstreams[0].last().head(500)
  t.same([taken(), table.failed(pool[0].seat), failed], [[0, 0], 1, ['m0']])
  send('next', { slot })
  t.equal(upstreams[1].delivered.length, 1, 'the next one goes to the other master')
  await runtime.advance(7_999)
  t.equal(table.failed(pool[0].seat), 1)
  await runtime.advance(1)
  t.equal(table.failed(pool[0].seat), 0)
})

t.test('so does one that it lost, unless its agent had left', async t => {
  const { send, pool, runtime, upstreams, table, results } = await deliveryScene()
  send('good')
  await runtime.advance(8_000)
  upstreams[0].last().head(200)
  upstreams[0].last().end()
  results.length = 0
  const left = send('left')
  upstreams[0].last().connect()
  left.hangUp()
  upstreams[0].last().fail('UND_ERR_SOCKET')
  t.same([table.failed(pool[0].seat), results], [0, []])
  send('lost', { repeatable: false })
  upstreams[0].last().connect()
  upstreams[0].last().fail('UND_ERR_SOCKET')
  t.equal(table.failed(pool[0].seat), 1)
  t.same(
    results.map(([seat, result]) => [seat, result]),
    [
      [pool[0].seat, 'lost'],
      [pool[0].seat, 'failed']
    ]
  )
})

t.test('a request whose master falls silent', async t => {
  const startScene = async () => {
    const underWay = createRequestsUnderWay()
    const scene = await deliveryScene({ underWay })
    const { pool } = scene
    return { ...scene, silence: () => underWay.reconsider({ ...snapshotOf(pool), silent: [pool[0].id] }) }
  }

  await t.test('moves on, its late answer is dropped, and its JRuby there stays taken till then', async t => {
    const scene = await startScene()
    const { upstreams, runtime, board, taken } = scene
    const { answer } = scene.send('1')
    await runtime.advance(50)
    const left = upstreams[0].last()
    left.connect()
    scene.silence()
    await runtime.advance(50)
    t.same(board(), [1, 1])
    t.same(taken(), [1, 1])
    const other = upstreams[1].last()
    other.connect()
    other.head(200)
    other.data('other')
    other.end()
    t.match(answer, { status: 200, body: 'other' })
    t.same(taken(), [1, 0])
    left.head(200)
    left.data('late')
    left.end()
    t.equal(answer.body, 'other')
    t.same(board(), [0, 0])
    t.same(taken(), [0, 0])
  })

  await t.test('stays when it may not be repeated', async t => {
    const scene = await startScene()
    const { answer } = scene.send('1', { repeatable: false })
    await scene.runtime.advance(50)
    scene.upstreams[0].last().connect()
    scene.silence()
    t.equal(answer.status, undefined)
    t.same(scene.board(), [1, 0])
  })

  await t.test('moves on whatever it is when it was not sent yet', async t => {
    const scene = await startScene()
    scene.send('1', { repeatable: false })
    await scene.runtime.advance(50)
    const left = scene.upstreams[0].last()
    scene.silence()
    await scene.runtime.advance(50)
    left.connect()
    t.ok(left.aborted(), 'which the silent one never gets')
    t.same(scene.board(), [0, 1])
  })

  await t.test('is over for its agent when it is a report, which its master keeps', async t => {
    const scene = await startScene()
    const { answer, exchange } = scene.send('1', { repeatable: false, rank: 'report' })
    exchange.class = 'report'
    await scene.runtime.advance(50)
    const left = scene.upstreams[0].last()
    left.connect()
    scene.silence()
    t.match(answer, { status: 504, body: /did not answer in time/ })
    t.notOk(answer.headers.has('Retry-After'))
    t.equal(left.aborted(), undefined)
    t.same(
      [scene.board(), scene.taken()],
      [
        [1, 0],
        [1, 0]
      ]
    )
    left.head(200)
    left.end()
    t.same(
      [scene.board(), scene.taken()],
      [
        [0, 0],
        [0, 0]
      ]
    )
    t.equal(exchange.attempts, 1)
  })

  await t.test('gives its master what was in hand of a report, after its agent was told', async t => {
    const scene = await startScene()
    const headers = { 'content-length': '11' }
    const { exchange } = scene.send('1', { repeatable: false, rank: 'report', headers })
    exchange.class = 'report'
    const request = exchange.request as unknown as PassThrough
    request.end('some report')
    await scene.runtime.advance(50)
    const left = scene.upstreams[0].last()
    left.connect()
    scene.silence()
    t.equal(exchange.response.writableFinished, true)
    t.equal(await text(left.options.body as Readable), 'some report')
    t.equal(left.aborted(), undefined)
  })

  await t.test('asks for another JRuby as if its agent had none', async t => {
    const scene = await startScene()
    const claimant = { cell: 1, slots: 1, places: 16 }
    scene.send('1', { slot: { claimant } })
    await scene.runtime.advance(50)
    scene.upstreams[0].last().connect()
    scene.silence()
    await scene.runtime.advance(50)
    t.same(scene.taken(), [1, 1])
  })

  await t.test('does not go round all masters: it may be what silences them', async t => {
    const scene = await startScene()
    const eligible = () => only(scene.pool[0])
    const { exchange } = scene.send('1', { slot: null, eligible })
    for (let count = 0; count < 5; count++) {
      await scene.runtime.advance(50)
      scene.silence()
    }
    t.equal(exchange.attempts, 3)
  })

  await t.test('stays when there is nobody else', async t => {
    const scene = await startScene()
    scene.serveOnly([scene.pool[0]])
    const { answer } = scene.send('1')
    await scene.runtime.advance(50)
    scene.silence()
    t.equal(answer.status, undefined)
    t.same(scene.board(), [1, 0])
  })
})

t.test('a request whose master says nothing and is in maintenance', async t => {
  const startScene = async () => {
    const underWay = createRequestsUnderWay()
    const scene = await deliveryScene({ underWay })
    const { pool, serveOnly } = scene
    return {
      ...scene,
      giveUp() {
        serveOnly([pool[1]])
        underWay.reconsider({ ...snapshotOf(pool), abandoned: [pool[0].id] })
      }
    }
  }

  await t.test('moves on, and nothing is charged there any more', async t => {
    const scene = await startScene()
    const { answer } = scene.send('1')
    await scene.runtime.advance(50)
    scene.upstreams[0].last().connect()
    scene.giveUp()
    await scene.runtime.advance(50)
    t.same(scene.board(), [0, 1])
    t.same(scene.taken(), [0, 1])
    const other = scene.upstreams[1].last()
    other.connect()
    other.head(200)
    other.end()
    t.equal(answer.status, 200)
  })

  await t.test('is told so when it may not be repeated', async t => {
    const scene = await startScene()
    const { answer } = scene.send('1', { repeatable: false })
    await scene.runtime.advance(50)
    scene.upstreams[0].last().connect()
    scene.giveUp()
    t.match(answer, { status: 504, body: /did not answer in time/ })
    t.same(scene.board(), [0, 0])
    t.same(scene.taken(), [0, 0])
  })

  await t.test('moves on whatever it is when it was not sent yet', async t => {
    const scene = await startScene()
    scene.send('1', { repeatable: false })
    await scene.runtime.advance(50)
    scene.giveUp()
    await scene.runtime.advance(50)
    t.same(scene.board(), [0, 1])
  })

  await t.test('leaves a JRuby there that its agent had left already', async t => {
    const scene = await startScene()
    const { hangUp } = scene.send('1')
    await scene.runtime.advance(50)
    const left = scene.upstreams[0].last()
    left.connect()
    hangUp()
    t.same(scene.taken(), [1, 0])
    scene.giveUp()
    left.fail('UND_ERR_ABORTED')
    t.same(scene.taken(), [0, 0])
  })
})

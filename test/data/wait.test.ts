import t from 'tap'
import {
  createSlotQueue,
  LONGEST_WAIT_MS,
  type NoSlot,
  type Rank,
  rankOf,
  type SlotRequest
} from '../../src/data/http/wait.ts'
import { classify } from '../../src/puppet/endpoint.ts'
import { ANTICIPATION, createSlotTable } from '../../src/shared/slots/table.ts'
import { fakeRuntime } from '../support/runtime.ts'

const KEPT_FOR_LIGHT_MS = ANTICIPATION.gaps * ANTICIPATION.firstGapMs

const open = { tier: 0, capacity: 1, foreign: 0 }
const closed = { ...open, tier: -1 }

function setUp({ capacity = 1, limit = 10, timeoutMs = 600_000, masters = 1, workers = 1 } = {}) {
  const runtime = fakeRuntime()
  const table = createSlotTable({ workers, masters, entries: 64 }, runtime.now)
  table.setMasters(Array.from({ length: masters }, () => ({ ...open, capacity })))
  const queue = createSlotQueue({
    user: table.join(0),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(2),
    limit,
    timeoutMs
  })
  const log: string[] = []
  const ask = (name: string, rank: Rank = 'catalog', rest: Partial<SlotRequest> = {}) =>
    queue.ask({
      rank,
      sinceMs: runtime.now(),
      waitedMs: 0,
      mayWaitOn: () => false,
      pinned: -1,
      tried: [],
      first: 0,
      order: () => [0],
      settle: (result: number | NoSlot) => log.push(typeof result === 'number' ? name : `${name} ${result}`),
      ...rest
    })
  return { runtime, table, queue, log, ask }
}

t.test('with room there is no waiting at all', async t => {
  const { ask, log } = setUp()
  ask('a')
  t.same(log, ['a'])
})

t.test('what needs a JRuby queues by how long it keeps one; what needs none does not queue', async t => {
  for (const [method, path, rank] of [
    ['POST', '/puppet/v3/catalog/a', 'catalog'],
    ['POST', '/puppet/v4/catalog', 'catalog'],
    ['POST', '/puppet/v3/compile', 'catalog'],
    ['PUT', '/puppet/v3/report/a', 'report'],
    ['GET', '/puppet/v3/node/a', 'light'],
    ['GET', '/puppet/v3/file_metadata/modules/a/b', 'light'],
    ['GET', '/puppet/v3/file_content/modules/a/b', 'light'],
    ['GET', '/puppet/v3/environment_classes', 'light'],
    ['HEAD', '/puppet/v3/file_bucket_file/md5/0', 'light'],
    ['GET', '/puppet/v3/static_file_content/modules/a/b', undefined],
    ['GET', '/puppet-ca/v1/certificate/ca', undefined],
    ['GET', '/status/v1/simple', undefined],
    ['GET', '/metrics/v2/list', undefined]
  ] as const)
    t.equal(rankOf(classify(method, path, undefined)), rank, `${method} ${path}`)
})

t.test('light goes before report before catalog, each in its order of coming', async t => {
  const { ask, log, runtime } = setUp()
  let hold = ask('running')
  const holds = new Map<string, ReturnType<typeof ask>>()
  for (const [name, rank] of [
    ['catalog 1', 'catalog'],
    ['report 1', 'report'],
    ['catalog 2', 'catalog'],
    ['light 1', 'light'],
    ['light 2', 'light']
  ] as const) {
    holds.set(name, ask(name, rank))
    await runtime.advance(1)
  }
  for (let count = 0; count < 5; count++) {
    hold.release()
    await runtime.advance(1)
    hold = holds.get(log.at(-1) as string) as typeof hold
  }
  t.same(log, ['running', 'light 1', 'light 2', 'report 1', 'catalog 1', 'catalog 2'])
})

for (const { rank, age, ageMs } of [
  { rank: 'report', age: 'ten seconds', ageMs: 10_000 },
  { rank: 'catalog', age: 'four minutes', ageMs: 240_000 }
] as const) {
  t.test(
    `a ${rank} that waited ${age} goes before a light request that just came, and not earlier`,
    async t => {
      for (const [waitedMs, first] of [
        [ageMs - 1, 'light'],
        [ageMs + 1, 'aged']
      ] as const) {
        const { ask, log, runtime } = setUp()
        const hold = ask('running')
        ask('aged', rank)
        await runtime.advance(waitedMs)
        ask('light', 'light')
        hold.release()
        await runtime.advance(1)
        t.same(log, ['running', first])
      }
    }
  )
}

t.test('one that waits too long is told so, and takes no slot later', async t => {
  const { ask, log, runtime, table } = setUp({ timeoutMs: 30_000 })
  const hold = ask('running')
  ask('late')
  await runtime.advance(30_000)
  t.same(log, ['running', 'late queue-timeout'])
  hold.release()
  await runtime.advance(1)
  t.equal(table.taken(0), 0)
})

t.test('one that would not be sent again waits on, and still not for ever', async t => {
  const { ask, log, runtime, table } = setUp({ timeoutMs: 30_000 })
  const hold = ask('running')
  for (const name of ['served', 'late', 'last']) ask(name, 'catalog', { mayWaitOn: () => true })
  await runtime.advance(LONGEST_WAIT_MS - 1)
  t.same(log, ['running'])
  hold.release()
  await runtime.advance(0)
  t.same(log, ['running', 'served'])
  await runtime.advance(1)
  t.same(log, ['running', 'served', 'late queue-timeout', 'last queue-timeout'])
  t.equal(table.depth(), 0)
})

t.test('the queue is bounded', async t => {
  const { ask, log } = setUp({ limit: 2 })
  ask('running')
  for (const name of ['1', '2', '3']) ask(name)
  t.same(log, ['running', '3 queue-full'])
})

t.test('a tenth of the queue is for runs under way, not for catalogs', async t => {
  const { ask, log } = setUp({ limit: 10 })
  ask('running')
  for (let count = 0; count < 9; count++) ask('catalog')
  ask('one too many')
  ask('file', 'light')
  ask('report', 'report')
  t.same(log, ['running', 'one too many queue-full', 'report queue-full'])
  const lights = setUp({ limit: 10 })
  lights.ask('running')
  for (let count = 0; count < 9; count++) lights.ask('file', 'light')
  lights.ask('first catalog')
  t.same(lights.log, ['running'], 'and files do not take the place of catalogs')
})

t.test('a queue for nobody still lets those through who need not wait', async t => {
  const { ask, log } = setUp({ limit: 0 })
  ask('running')
  ask('next')
  t.same(log, ['running', 'next queue-full'])
})

t.test('one that leaves the queue makes room, is never called, and may leave twice', async t => {
  const { ask, log, runtime, table } = setUp()
  const running = ask('running')
  const gone = ask('gone')
  ask('next')
  gone.release()
  gone.release()
  running.release()
  running.release()
  await runtime.advance(1)
  t.same(log, ['running', 'next'])
  t.equal(table.taken(0), 1)
})

t.test('those for whom no master is left are sent away, and nobody else', async t => {
  const { ask, log, queue, table } = setUp({ masters: 2 })
  ask('running on 0')
  ask('running on 1', 'catalog', { first: 1 })
  ask('any')
  ask('not 0', 'catalog', { tried: [0] })
  queue.dismissStranded()
  t.equal(log.length, 2)
  table.setMasters([closed, { ...open, finishesRuns: true, tier: -1 }])
  queue.dismissStranded()
  t.equal(log.length, 2, 'one that is out for a moment may come back')
  table.setMasters([open, closed])
  queue.dismissStranded()
  t.same(log.slice(2), ['not 0 no-master'])
  table.setMasters([closed, closed])
  queue.dismissStranded()
  t.same(log.slice(3), ['any no-master'])
  t.equal(table.waiting(2), 0)
})

t.test('one that has to try another master keeps its turn, and the time it may wait', async t => {
  const { ask, log, runtime } = setUp({ timeoutMs: 60_000 })
  let running = ask('running')
  await runtime.advance(1_000)
  ask('later')
  ask('again', 'catalog', { sinceMs: 500 })
  running.release()
  await runtime.advance(59_000)
  t.same(log, ['running', 'again'])
  await runtime.advance(1_000)
  t.same(log, ['running', 'again', 'later queue-timeout'])
  running = ask('x', 'catalog', { waitedMs: 60_000 })
  await runtime.advance(1)
  t.equal(log.at(-1), 'x queue-timeout', 'which may be over already')
  t.ok(running)
})

t.test('who waits for a slot that another thread left kept is woken', async t => {
  const { ask, log, runtime, table } = setUp({ workers: 2 })
  const elsewhere = table.join(1)
  const [ticket, other] = [0, 1].map(() =>
    elsewhere.take({ rank: 0, claim: 0, pinned: -1, tried: [] }, 0)
  ) as [number, number]
  t.equal(other, -1)
  ask('catalog')
  elsewhere.release(ticket, 5)
  const last = elsewhere.take({ rank: 0, claim: runtime.now(), pinned: -1, tried: [] }, 0)
  t.not(last, -1)
  table.removeWorker(1)
  await runtime.advance(2 * KEPT_FOR_LIGHT_MS)
  t.same(log, ['catalog'])
})

t.test('a catalog gets the slot that was kept for light requests once none has come', async t => {
  const { ask, log, runtime } = setUp()
  const light = ask('light', 'light')
  ask('catalog')
  light.release(true)
  await runtime.advance(KEPT_FOR_LIGHT_MS - 1)
  t.same(log, ['light'])
  await runtime.advance(1)
  t.same(log, ['light', 'catalog'])
})

t.test('a run keeps its slot from file to file while a catalog waits, and then lets it go', async t => {
  const { ask, log, runtime } = setUp()
  let light = ask('file 1', 'light')
  ask('catalog')
  for (const name of ['file 2', 'file 3']) {
    light.release(true)
    await runtime.advance(KEPT_FOR_LIGHT_MS - 1)
    light = ask(name, 'light')
    await runtime.advance(100)
  }
  light.release(true)
  await runtime.advance(KEPT_FOR_LIGHT_MS)
  t.same(log, ['file 1', 'file 2', 'file 3', 'catalog'])
})

t.test('a catalog that comes while a slot is kept is woken as well', async t => {
  const { ask, log, runtime } = setUp()
  ask('light', 'light').release(true)
  await runtime.advance(10)
  ask('catalog')
  t.same(log, ['light'])
  await runtime.advance(KEPT_FOR_LIGHT_MS)
  t.same(log, ['light', 'catalog'])
})

t.test('a slot whose agent left is kept until the master proves to be done, and then dropped', async t => {
  const { ask, log, runtime, table, queue } = setUp()
  const hold = ask('ghost')
  ask('next')
  const dropped: string[] = []
  hold.leave(() => {
    dropped.push('ghost')
    hold.release()
  })
  await runtime.advance(10)
  t.same([log, table.ghosts(0)], [['ghost'], 1])
  queue.dropGhosts(0, 0)
  t.same(dropped, [], 'not one that left after the master was asked')
  queue.dropGhosts(1, 10)
  t.same(dropped, [], 'nor one at another master')
  queue.dropGhosts(0, 10)
  queue.dropGhosts(0, 10)
  await runtime.advance(1)
  t.same([dropped, log, table.ghosts(0)], [['ghost'], ['ghost', 'next'], 0])
})

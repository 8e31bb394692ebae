import t from 'tap'
import type { Eligible } from '../../src/balance/eligibility.ts'
import { type Rank, ranks } from '../../src/balance/queue-order.ts'
import {
  createWaitingRoom,
  LONGEST_WAIT_MS,
  type NoSlot,
  type SlotRequest
} from '../../src/data/http/wait.ts'
import type { Master } from '../../src/model/master.ts'
import { maskOf } from '../../src/model/seat-mask.ts'
import { ANTICIPATION } from '../../src/shared/slots/anticipation.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { SlotUser } from '../../src/shared/slots/types.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const RESERVED_MS = ANTICIPATION.gaps * ANTICIPATION.firstGapMs

const pool = masters({ m0: 1, m1: 1 })
const [m0, m1] = pool as [Master, Master]

/** Any of these masters; the pinned one is asked first. */
function any(candidates: readonly Master[], pinned?: Master): Eligible {
  const all = pinned ? [pinned, ...candidates] : candidates
  return { pinned, candidates, mask: maskOf(all.map(({ seat }) => seat)) }
}

interface Setting {
  /** JRubies of each master. */
  readonly capacity?: number
  /** Most requests that may wait. */
  readonly limit?: number
  readonly timeoutMs?: number
  readonly workers?: number
  /** Entries of each worker in the table. */
  readonly entries?: number
  readonly masters?: readonly Master[]
  /** Stands between the room and the table. */
  readonly userOf?: (user: SlotUser) => SlotUser
}

/** A waiting room whose masters take work, and a log of who was told what. */
async function setUp({
  capacity = 1,
  limit = 10,
  timeoutMs = 600_000,
  workers = 1,
  entries = 64,
  masters = [m0],
  userOf = user => user
}: Setting = {}) {
  const runtime = fakeRuntime()
  const table = createSlotTable({ workers, entries }, runtime)
  await table.setSeats(
    new Map(masters.map(({ seat }) => [seat, { capacity, foreign: 0, takesNewRuns: true }]))
  )
  const defects: unknown[] = []
  const room = createWaitingRoom({
    user: userOf(table.join(0)),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(ranks.indexOf('catalog')),
    hasRoom: table.hasRoom,
    masterAt: seat => pool[seat] as Master,
    onDefect: error => defects.push(error)
  })
  const log: string[] = []
  const ask = (name: string, rank: Rank = 'catalog', rest: Partial<SlotRequest> = {}) =>
    room.ask({
      rank,
      sinceMs: runtime.now(),
      waitedMs: 0,
      limit,
      timeoutMs,
      mayWaitOn: () => false,
      eligible: any([m0]),
      eligibleAnew: () => rest.eligible ?? any([m0]),
      pick: candidates => candidates[0],
      settle: (result: Master | NoSlot) => log.push(typeof result === 'string' ? `${name} ${result}` : name),
      ...rest
    })
  return { runtime, table, room, log, ask, defects }
}

/** A request that tells which master it got. */
const tellsWhere = (log: string[], name: string): Pick<SlotRequest, 'settle'> => ({
  settle: result => log.push(`${name} ${typeof result === 'string' ? result : result.name}`)
})

t.test('with room there is no waiting at all', async t => {
  const { ask, log } = await setUp()
  ask('a')
  t.same(log, ['a'])
})

t.test('light goes before report before catalog, each in its order of coming', async t => {
  const { ask, log, runtime } = await setUp()
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
        const { ask, log, runtime } = await setUp()
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
  const { ask, log, runtime, table } = await setUp({ timeoutMs: 30_000 })
  const hold = ask('running')
  ask('late')
  await runtime.advance(30_000)
  t.same(log, ['running', 'late queue-timeout'])
  hold.release()
  await runtime.advance(1)
  t.equal(table.taken(0), 0)
})

t.test('one that would not be sent again waits on, and still not for ever', async t => {
  const { ask, log, runtime, table } = await setUp({ timeoutMs: 30_000 })
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
  const { ask, log } = await setUp({ limit: 2 })
  ask('running')
  for (const name of ['1', '2', '3']) ask(name)
  t.same(log, ['running', '3 queue-full'])
})

t.test('a tenth of the queue is for runs under way, not for catalogs', async t => {
  const { ask, log } = await setUp({ limit: 10 })
  ask('running')
  for (let count = 0; count < 9; count++) ask('catalog')
  ask('one too many')
  ask('file', 'light')
  ask('report', 'report')
  t.same(log, ['running', 'one too many queue-full', 'report queue-full'])
  const lights = await setUp({ limit: 10 })
  lights.ask('running')
  for (let count = 0; count < 9; count++) lights.ask('file', 'light')
  lights.ask('first catalog')
  t.same(lights.log, ['running'], 'and files do not take the place of catalogs')
})

t.test('a queue for nobody still lets those through who need not wait', async t => {
  const { ask, log } = await setUp({ limit: 0 })
  ask('running')
  ask('next')
  t.same(log, ['running', 'next queue-full'])
})

t.test('one that leaves the queue makes room, is never called, and may leave twice', async t => {
  const { ask, log, runtime, table } = await setUp()
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

t.test(
  'one that was tried and failed is not waited for: those who may have another wait for that',
  async t => {
    const { ask, log, runtime } = await setUp({ masters: pool })
    const running = ask('running on m0')
    ask('running on m1', 'catalog', { eligible: any([m1]) })
    ask('not m0', 'catalog', { eligible: any([m1]) })
    ask('any', 'catalog', { eligible: any(pool) })
    running.release()
    await runtime.advance(1)
    t.same(log, ['running on m0', 'running on m1', 'any'])
  }
)

t.test('one that has to try another master keeps its turn, and the time it may wait', async t => {
  const { ask, log, runtime } = await setUp({ timeoutMs: 60_000 })
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

t.test('who waits for a slot that another thread left reserved is woken', async t => {
  const { ask, log, runtime, table } = await setUp({ workers: 2 })
  const elsewhere = table.join(1)
  const take = () => elsewhere.take({ rank: 0, dueMs: runtime.now(), pinned: -1, mask: maskOf([0]) }, 0)
  const ticket = take()
  t.equal(take(), -1)
  ask('catalog')
  elsewhere.release(ticket, 5)
  t.not(take(), -1)
  await table.removeWorker(1)
  await runtime.advance(2 * RESERVED_MS)
  t.same(log, ['catalog'])
})

t.test('a catalog gets the slot that was reserved for light requests once none has come', async t => {
  const { ask, log, runtime } = await setUp()
  const light = ask('light', 'light')
  ask('catalog')
  light.release(true)
  await runtime.advance(RESERVED_MS - 1)
  t.same(log, ['light'])
  await runtime.advance(1)
  t.same(log, ['light', 'catalog'])
})

t.test('a run keeps its slot from file to file while a catalog waits, and then lets it go', async t => {
  const { ask, log, runtime } = await setUp()
  let light = ask('file 1', 'light')
  ask('catalog')
  for (const name of ['file 2', 'file 3']) {
    light.release(true)
    await runtime.advance(RESERVED_MS - 1)
    light = ask(name, 'light')
    await runtime.advance(100)
  }
  light.release(true)
  await runtime.advance(RESERVED_MS)
  t.same(log, ['file 1', 'file 2', 'file 3', 'catalog'])
})

t.test('a catalog that comes while a slot is reserved is woken as well', async t => {
  const { ask, log, runtime } = await setUp()
  ask('light', 'light').release(true)
  await runtime.advance(10)
  ask('catalog')
  t.same(log, ['light'])
  await runtime.advance(RESERVED_MS)
  t.same(log, ['light', 'catalog'])
})

t.test('a slot whose agent left is kept until the master proves to be done, and then dropped', async t => {
  const { ask, log, runtime, table, room } = await setUp()
  const hold = ask('ghost')
  ask('next')
  const dropped: string[] = []
  hold.leave(() => {
    dropped.push('ghost')
    hold.release()
  })
  await runtime.advance(10)
  t.same([log, table.ghosts(0)], [['ghost'], 1])
  room.dropGhosts(m0.id, 0)
  t.same(dropped, [], 'not one that left after the master was asked')
  room.dropGhosts(m1.id, 10)
  t.same(dropped, [], 'nor one at another master')
  room.dropGhosts(m0.id, 10)
  room.dropGhosts(m0.id, 10)
  await runtime.advance(1)
  t.same([dropped, log, table.ghosts(0)], [['ghost'], ['ghost', 'next'], 0])
})

t.test(
  'a run gets its own master first, and another where it may have one and its own has no room',
  async t => {
    const { ask, log, runtime } = await setUp({ masters: pool })
    const eligible = any([m0], m1)
    const first = ask('1', 'light', { eligible, ...tellsWhere(log, '1') })
    ask('2', 'light', { eligible, ...tellsWhere(log, '2') })
    ask('3', 'light', { eligible, ...tellsWhere(log, '3') })
    t.same(log, ['1 m1', '2 m0'])
    first.release()
    await runtime.advance(1)
    t.same(log, ['1 m1', '2 m0', '3 m1'], 'and when all are full, whichever is free first')
  }
)

t.test('a run that may have nobody but its master waits for it while others are free', async t => {
  const { ask, log, runtime } = await setUp({ masters: pool })
  const eligible = any([], m1)
  const first = ask('1', 'light', { eligible, ...tellsWhere(log, '1') })
  ask('2', 'light', { eligible, ...tellsWhere(log, '2') })
  t.same(log, ['1 m1'])
  first.release()
  await runtime.advance(1)
  t.same(log, ['1 m1', '2 m1'])
})

t.test(
  'among those with room the policy chooses, and a newcomer does not go before those who wait',
  async t => {
    const { ask, log, table, runtime } = await setUp({ masters: pool, workers: 2 })
    const last = (candidates: readonly Master[]) => candidates.at(-1)
    ask('a', 'catalog', { eligible: any(pool), pick: last, ...tellsWhere(log, 'a') })
    ask('b', 'catalog', { eligible: any(pool), pick: last, ...tellsWhere(log, 'b') })
    t.same(log, ['a m1', 'b m0'])
    ask('waits', 'report')
    const elsewhere = table.join(1)
    t.equal(elsewhere.take({ rank: 1, dueMs: 99_999, pinned: -1, mask: maskOf([0]) }, 0), -1)
    await runtime.advance(1)
    t.equal(log.length, 2)
  }
)

t.test('a light request of a run tells once how long it was in coming, before it takes its slot', async t => {
  const calls: string[] = []
  const { ask } = await setUp({
    masters: pool,
    userOf: user => ({
      ...user,
      learnGap: seat => calls.push(`gap at ${seat}`),
      take(claim, seat) {
        calls.push(`take ${seat}`)
        return user.take(claim, seat)
      }
    })
  })
  ask('of a run', 'light', { eligible: any([m0], m1) })
  t.same(calls, ['gap at 1', 'take 1'])
  calls.length = 0
  ask('of no run', 'light')
  ask('a catalog of a run', 'catalog', { eligible: any([], m1) })
  t.same(
    calls.filter(call => call.startsWith('gap')),
    []
  )
})

t.test('a worker whose part of the table is full refuses', async t => {
  const { ask, log, runtime } = await setUp({ entries: 2, limit: 100 })
  const running = ask('running')
  ask('waits')
  ask('too many')
  t.same(log, ['running', 'too many queue-full'])
  running.release()
  await runtime.advance(1)
  ask('fits again')
  t.same(log, ['running', 'too many queue-full', 'waits'])
})

t.test('only what was served well teaches how long requests take', async t => {
  const { ask, runtime, table } = await setUp()
  const failed = ask('failed')
  await runtime.advance(50_000)
  failed.release()
  const served = ask('served')
  await runtime.advance(8_000)
  served.release(true)
  served.release(true)
  ask('running')
  ask('waits')
  t.equal(table.forecastMs(), 8_000)
})

t.test('the time a request was served begins when it has its slot, not when it asked', async t => {
  const { ask, runtime, table } = await setUp()
  const running = ask('running')
  const next = ask('next')
  await runtime.advance(60_000)
  running.release()
  await runtime.advance(1_000)
  next.release(true)
  ask('running')
  ask('waits')
  t.equal(table.forecastMs(), 1_000)
})

t.test('with a new snapshot those for whom no master is left are sent away, and nobody else', async t => {
  const { ask, log, room, table } = await setUp({ masters: pool })
  ask('running on m0')
  ask('running on m1', 'catalog', { eligible: any([m1]) })
  let serving: readonly Master[] = pool
  const but =
    (...tried: Master[]) =>
    () => {
      const left = serving.filter(master => !tried.includes(master))
      return left.length > 0 ? any(left) : undefined
    }
  ask('any', 'catalog', { eligible: any(pool), eligibleAnew: but() })
  ask('not m0', 'catalog', { eligible: any([m1]), eligibleAnew: but(m0) })
  room.reconsider()
  t.equal(log.length, 2)
  serving = [m0]
  room.reconsider()
  t.same(log.slice(2), ['not m0 no-master'])
  serving = []
  room.reconsider()
  t.same(log.slice(3), ['any no-master'])
  t.equal(table.depth(), 0)
})

t.test('with a new snapshot those who wait may have masters that they could not have before', async t => {
  const { ask, log, room, runtime } = await setUp({ masters: pool })
  ask('running')
  ask('waits', 'catalog', { eligibleAnew: () => any(pool), ...tellsWhere(log, 'waits') })
  await runtime.advance(1)
  t.same(log, ['running'], 'the other one is free, but not for this one')
  room.reconsider()
  await runtime.advance(1)
  t.same(log, ['running', 'waits m1'])
})

t.test('with a new snapshot those who wait lose what they may not have any more', async t => {
  const { ask, log, room, runtime } = await setUp({ masters: pool })
  const running = ask('running on m0')
  const other = ask('running on m1', 'catalog', { eligible: any([m1]) })
  const eligible = any(pool)
  ask('waits', 'catalog', { eligible, eligibleAnew: () => any([m1]), ...tellsWhere(log, 'waits') })
  room.reconsider()
  running.release()
  await runtime.advance(1)
  t.equal(log.length, 2)
  other.release()
  await runtime.advance(1)
  t.same(log.slice(2), ['waits m1'])
})

t.test('one that just got a slot keeps it, whatever the new snapshot says', async t => {
  const { ask, log, room, runtime, table } = await setUp()
  const running = ask('running')
  ask('next', 'catalog', { eligibleAnew: () => undefined })
  running.release()
  room.reconsider()
  t.same(log, ['running'], 'it has not been told yet')
  await runtime.advance(1)
  t.same(log, ['running', 'next'])
  t.equal(table.taken(0), 1)
})

const broken = {
  settle() {
    throw new Error('defect')
  }
}

t.test('a defect of one that gets a slot does not keep that slot from the next', async t => {
  const { ask, log, runtime, table, defects } = await setUp()
  const running = ask('running')
  const hold = ask('broken', 'catalog', broken)
  ask('next')
  running.release()
  await runtime.advance(1)
  t.same(log, ['running', 'next'])
  t.match(defects, [{ message: 'defect' }])
  hold.release()
  t.equal(table.taken(0), 1, 'and is given back once')
  ask('newcomer', 'catalog', broken)
  t.equal(table.depth(), 1)
})

t.test('a defect of one that gets a slot without waiting does not keep it either', async t => {
  const { ask, log, defects } = await setUp()
  ask('broken', 'catalog', broken)
  ask('next')
  t.same([log, defects.length], [['next'], 1])
})

t.test('a defect of one does not stop the others that get a slot in the same moment', async t => {
  const { ask, log, runtime, defects } = await setUp({ capacity: 2 })
  const running = [ask('1'), ask('2')]
  ask('broken', 'catalog', broken)
  ask('next')
  for (const hold of running) hold.release()
  await runtime.advance(1)
  t.same(log, ['1', '2', 'next'])
  t.equal(defects.length, 1)
})

t.test('a defect of one that is sent away does not keep others waiting for nobody, or for ever', async t => {
  const { ask, log, runtime, room, table, defects } = await setUp({ timeoutMs: 1_000 })
  ask('running')
  for (const name of ['a', 'b'])
    ask(name, 'catalog', { eligibleAnew: () => undefined, ...(name === 'a' && broken) })
  room.reconsider()
  t.same(log, ['running', 'b no-master'])
  for (const name of ['c', 'd']) ask(name, 'catalog', name === 'c' ? broken : {})
  await runtime.advance(1_000)
  t.same(log, ['running', 'b no-master', 'd queue-timeout'])
  t.equal(defects.length, 2)
  t.equal(table.depth(), 0)
  t.equal(table.taken(0), 1)
})

t.test('a slot that is given back twice is not taken from whoever has it by then', async t => {
  const { ask, log, runtime, table } = await setUp()
  const first = ask('first')
  first.release()
  ask('second')
  first.release()
  first.leave(() => t.fail('it is not its own any more'))
  t.equal(table.taken(0), 1)
  t.equal(table.ghosts(0), 0)
  ask('third')
  await runtime.advance(1)
  t.same(log, ['first', 'second'])
})

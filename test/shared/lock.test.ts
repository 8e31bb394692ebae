import t from 'tap'
import { createSharedLock } from '../../src/shared/lock.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { schedule, startThread } from './threads.ts'

const CONTROL = 9
const newCells = (size = 4) => new Int32Array(new SharedArrayBuffer(size * Int32Array.BYTES_PER_ELEMENT))
const lockOn = (cells: Int32Array, timers = schedule) =>
  createSharedLock(cells, 0, { controlOwner: CONTROL, schedule: timers })
const NEW_LOCK = `const lock = exports.createSharedLock(data.cells, 0, { controlOwner: ${CONTROL}, schedule })`

/** Takes the lock, leaves a change half made, and stays in there for good. */
const STUCK = `${NEW_LOCK}
  lock.alone(data.owner, () => { data.cells[1] = 1; post('inside'); for (;;); })`
/** Dies in there instead. */
const DIES = `${NEW_LOCK}
  await next()
  lock.alone(data.owner, () => { data.cells[1] = 1; process.exit() })`
/** Waits for the lock and tells what it sees once it has it. */
const LOOKS = `${NEW_LOCK}
  post('waits')
  post(lock.alone(data.owner, () => data.cells[1]))`

t.test('what works alone gives its result, and a throw frees the lock', async t => {
  const lock = lockOn(newCells())
  t.equal(
    lock.alone(0, () => 'done'),
    'done'
  )
  const failing = () => {
    throw new Error('failed inside')
  }
  t.throws(() => lock.alone(0, failing), { message: 'failed inside' })
  await t.rejects(lock.aloneSoon(failing), { message: 'failed inside' })
  await t.rejects(lock.takeOverFrom(0, failing), { message: 'failed inside' })
  t.equal(await lock.aloneSoon(() => 'free again'), 'free again')
})

t.test('who asks for a free lock has had it before the call returns', async t => {
  const lock = lockOn(newCells())
  const done: number[] = []
  void lock.aloneSoon(() => done.push(1))
  void lock.takeOverFrom(0, () => done.push(2))
  t.same(done, [1, 2])
})

t.test('the control plane gets a taken lock later, in the order of asking', async t => {
  const runtime = fakeRuntime()
  const cells = newCells()
  const lock = lockOn(cells, runtime.schedule)
  const done: string[] = []
  lock.alone(0, () => {
    void lock.aloneSoon(() => done.push('first'))
    void lock.takeOverFrom(1, () => done.push('second'))
    void lock.aloneSoon(() => done.push('third'))
    t.same(done, [])
  })
  await runtime.advance(10)
  t.same(done, ['first', 'second', 'third'])
})

t.test('threads never work at the same time, and all have their turn', async t => {
  const cells = newCells()
  const body = `${NEW_LOCK}
    Atomics.add(data.cells, 2, 1)
    while (Atomics.load(data.cells, 2) < 3);
    for (let round = 0; round < 300000; round++) lock.alone(data.owner, () => { data.cells[1] = data.cells[1] + 1 })
    post('done')`
  const threads = [0, 1, 2].map(owner => startThread(t, 'lock.ts', body, { cells, owner }))
  const finished = Promise.all(threads.map(thread => thread.message()))
  const lock = lockOn(cells)
  for (let round = 0; round < 200; round++) {
    await lock.aloneSoon(() => {
      cells[1] = (cells[1] as number) + 1
    })
    await new Promise(setImmediate)
  }
  await finished
  t.equal(cells[1], 900_200)
})

t.test('the lock of a thread that was killed passes to whoever repairs what it left', async t => {
  const cells = newCells()
  const lock = lockOn(cells)
  const stuck = startThread(t, 'lock.ts', STUCK, { cells, owner: 0 })
  await stuck.message()
  const other = startThread(t, 'lock.ts', LOOKS, { cells, owner: 1 })
  await other.message()
  const seen = other.message()
  const asked = lock.aloneSoon(() => cells[1])
  void stuck.terminate()
  await stuck.exit
  const repaired = await lock.takeOverFrom(0, () => {
    const left = cells[1]
    cells[1] = 0
    return left
  })
  t.equal(repaired, 1, 'half made')
  t.equal(await asked, 0, 'and whole again for who asked before')
  t.equal(await seen, 0, 'and for a thread that waited')
})

t.test(
  'two threads that die together leave a lock that everybody gets, whoever is heard of first',
  async t => {
    for (const order of ['holder first', 'waiter first']) {
      const cells = newCells()
      const lock = lockOn(cells)
      const holder = startThread(t, 'lock.ts', STUCK, { cells, owner: 0 })
      await holder.message()
      const [waiter, survivor] = [1, 2].map(owner => startThread(t, 'lock.ts', LOOKS, { cells, owner }))
      await Promise.all([waiter?.message(), survivor?.message()])
      const seen = survivor?.message()
      const asked = lock.aloneSoon(() => cells[1])
      await Promise.all([waiter?.terminate(), holder.terminate()])
      const repair = () => {
        cells[1] = 0
      }
      const dead = order === 'holder first' ? [0, 1] : [1, 0]
      await Promise.all(dead.map(owner => lock.takeOverFrom(owner, repair)))
      t.equal(await asked, 0, order)
      t.equal(await seen, 0)
    }
  }
)

t.test('a thread that ends itself inside the lock hangs nobody, however often', async t => {
  const cells = newCells()
  const lock = lockOn(cells)
  for (let round = 0; round < 4; round++) {
    const pair = [0, 1].map(owner => startThread(t, 'lock.ts', DIES, { cells, owner }))
    const repairs = pair.map(async (thread, owner) => {
      thread.post('go')
      await thread.exit
      await lock.takeOverFrom(owner, () => {
        cells[1] = 0
      })
    })
    // Asks on and on, as reloads and health checks do, while the threads die.
    let isOver = false
    const asking = (async () => {
      while (!isOver) {
        if ((await lock.aloneSoon(() => cells[1])) !== 0) t.fail('a change was seen half made')
        await new Promise(setImmediate)
      }
    })()
    await Promise.all(repairs)
    isOver = true
    await asking
  }
  t.equal(cells[0], 0, 'free')
})

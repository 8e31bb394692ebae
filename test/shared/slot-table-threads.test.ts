import t from 'tap'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { SeatLimits } from '../../src/shared/slots/types.ts'
import { seededDice } from '../support/runtime.ts'
import { schedule, startThread, type Thread } from './threads.ts'

const now = () => performance.timeOrigin + performance.now()
const open = (capacity: number): SeatLimits => ({ capacity, foreign: 0, takesNewRuns: true })

/** Takes slots for `rounds` rounds, sometimes waiting for one, and says how many it has had after every hundred. */
const WORKER = `
  const now = () => performance.timeOrigin + performance.now()
  const user = exports.createSlotTable(data.size, { now, schedule }, data.buffer).join(data.worker)
  // A pending Atomics.waitAsync does not keep a thread alive; in the balancer the listener does.
  const alive = setInterval(() => user.releaseReserved(), 20)
  post('ready')
  await next()
  for (let round = 1; round <= data.rounds; round++) {
    const claim = { rank: round % 3, dueMs: now() + 1000 * (round % 3), mask: data.mask, pinned: -1 }
    const taken = user.take(claim, round % data.seats)
    const ticket = taken >= 0 ? taken : user.wait(claim)
    while (user.seatOf(ticket) < 0) await user.woken()
    const running = Atomics.add(data.running, 0, 1) + 1
    if (running > Atomics.load(data.running, 1)) Atomics.store(data.running, 1, running)
    if (round % 5 === 0) await new Promise(setImmediate)
    Atomics.sub(data.running, 0, 1)
    user.release(ticket, 1)
    if (round % 100 === 0) post(round)
  }
  clearInterval(alive)
  post('done')`

async function messageOf(thread: Thread, wanted: unknown): Promise<void> {
  while ((await thread.message()) !== wanted);
}

t.test('real threads that fight for two slots never hold three', async t => {
  const size = { workers: 3, entries: 16 }
  const table = createSlotTable(size, { now, schedule })
  await table.setSeats(new Map([[0, open(2)]]))
  const running = new Int32Array(new SharedArrayBuffer(8))
  const data = { size, buffer: table.buffer, running, mask: maskOf([0]), seats: 1, rounds: 1_000 }
  const threads = [0, 1, 2].map(worker => startThread(t, 'slots/table.ts', WORKER, { ...data, worker }))
  await Promise.all(threads.map(thread => messageOf(thread, 'ready')))
  for (const thread of threads) thread.post('go')
  await Promise.all(threads.map(thread => messageOf(thread, 'done')))
  t.same([table.taken(0), table.depth()], [0, 0])
  t.equal(running[1], 2, 'and did hold two at once')
})

t.test(
  'workers that are killed at any instant, two of them together, leave nothing behind and stop nobody',
  async t => {
    const dice = seededDice(4)
    const size = { workers: 3, entries: 16 }
    const table = createSlotTable(size, { now, schedule })
    const seats = new Map([
      [0, open(1)],
      [1, open(1)]
    ])
    await table.setSeats(seats)
    const data = {
      size,
      buffer: table.buffer,
      mask: maskOf([0, 1]),
      seats: 2,
      rounds: Number.POSITIVE_INFINITY
    }
    const start = async (worker: number) => {
      const running = new Int32Array(new SharedArrayBuffer(8))
      const thread = startThread(t, 'slots/table.ts', WORKER, { ...data, running, worker })
      await messageOf(thread, 'ready')
      thread.post('go')
      return thread
    }
    const threads = await Promise.all([0, 1, 2].map(start))
    const progress = (thread: Thread) => thread.message()
    for (let round = 0; round < 5; round++) {
      await Promise.all(threads.map(progress))
      const dying = dice() < 0.5 ? [0, 1] : [2, 1]
      const asked = table.setSeats(seats)
      await Promise.all(
        dying.map(async worker => {
          await threads[worker]?.terminate()
          await table.removeWorker(worker)
        })
      )
      await asked
      for (const worker of dying) threads[worker] = await start(worker)
    }
    await Promise.all(threads.map(progress))
    await Promise.all(threads.map(thread => thread.terminate()))
    await Promise.all([0, 1, 2].map(table.removeWorker))
    t.same([table.taken(0), table.taken(1), table.depth()], [0, 0, 0])
    const user = table.join(0)
    const claim = { rank: 2, dueMs: 0, mask: data.mask, pinned: -1 }
    t.same(
      [0, 1].map(seat => user.seatOf(user.take(claim, seat))),
      [0, 1]
    )
  }
)

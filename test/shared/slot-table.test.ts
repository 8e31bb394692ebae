import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { ANTICIPATION, createSlotTable } from '../../src/shared/slots/table.ts'
import type { MasterRoom, SlotClaim, SlotUser } from '../../src/shared/slots/types.ts'
import { seededDice } from '../support/runtime.ts'

const KEPT_FOR_LIGHT_MS = ANTICIPATION.gaps * ANTICIPATION.firstGapMs
const open = (capacity: number, tier = 0): MasterRoom => ({ tier, capacity, foreign: 0 })
const closed: MasterRoom = { tier: -1, capacity: 4, foreign: 0 }
const claim = (at: number, rest: Partial<SlotClaim> = {}): SlotClaim => ({
  rank: 2,
  claim: at,
  pinned: -1,
  tried: [],
  ...rest
})

function tableOf(rooms: readonly MasterRoom[], workers = 2, entries = 64, now = () => 0) {
  const table = createSlotTable({ workers, masters: rooms.length, entries }, now)
  table.setMasters(rooms)
  return table
}

t.test('a request takes a slot at the first master of its order that has room', async t => {
  const user = tableOf([open(1), open(1)]).join(0)
  t.equal(user.ask(claim(1), [1, 0])?.master, 1)
  t.equal(user.ask(claim(2), [1, 0])?.master, 0)
  t.equal(user.ask(claim(3), [1, 0])?.master, -1, 'and waits when none has')
})

t.test('a slot that frees goes to the best claim, of whatever worker', async t => {
  const table = tableOf([open(1)])
  const [a, b] = [table.join(0), table.join(1)]
  const running = a.ask(claim(0), [0])
  const late = a.ask(claim(20), [0])
  const early = b.ask(claim(10), [0])
  a.release(running?.ticket as number)
  t.equal(b.masterOf(early?.ticket as number), 0)
  t.equal(a.masterOf(late?.ticket as number), -1)
})

t.test('a worker whose request got a slot elsewhere is woken without asking', async t => {
  const table = tableOf([open(1)])
  const [a, b] = [table.join(0), table.join(1)]
  const running = a.ask(claim(0), [0])
  b.ask(claim(1), [0])
  const woken = b.granted()
  a.release(running?.ticket as number)
  await woken
  t.pass('granted() resolved')
})

t.test('a slot given out before anybody listens is not missed', async t => {
  const table = tableOf([open(1)])
  const user = table.join(0)
  const running = user.ask(claim(0), [0])
  const waiting = user.ask(claim(1), [0])
  user.release(running?.ticket as number)
  await user.granted()
  t.equal(user.masterOf(waiting?.ticket as number), 0)
})

t.test('one who waits and leaves costs nobody a slot', async t => {
  const table = tableOf([open(1)])
  const user = table.join(0)
  const running = user.ask(claim(0), [0])
  const gone = user.ask(claim(1), [0])
  const next = user.ask(claim(2), [0])
  user.release(gone?.ticket as number)
  t.equal(table.taken(0), 1)
  user.release(running?.ticket as number)
  t.equal(user.masterOf(next?.ticket as number), 0)
})

t.test(
  'a pinned request waits for its master while that takes work, and goes elsewhere when it does not',
  async t => {
    const table = tableOf([open(1), open(1)])
    const user = table.join(0)
    user.ask(claim(0), [0])
    const pinned = user.ask(claim(1, { pinned: 0 }), [0, 1])
    t.equal(pinned?.master, -1)
    table.setMasters([closed, open(1)])
    t.equal(user.masterOf(pinned?.ticket as number), 1)
  }
)

t.test('a master that only finishes runs serves at once what is pinned to it, and nothing else', async t => {
  const table = tableOf([{ ...closed, capacity: 1, finishesRuns: true }, open(1)])
  const user = table.join(0)
  t.equal(user.take(claim(0), 0), -1)
  const pinned = user.take(claim(1, { rank: 0, pinned: 0 }), 0)
  t.equal(user.masterOf(pinned), 0)
  t.equal(user.take(claim(2, { rank: 0, pinned: 0 }), 0), -1)
  t.equal(
    user.ask(claim(2, { rank: 0, pinned: 0 }), [0, 1])?.master,
    1,
    'who would have to wait goes elsewhere'
  )
  const waiting = user.ask(claim(3), [1])?.ticket as number
  user.release(pinned)
  t.equal(user.masterOf(waiting), -1)
  t.equal(user.take(claim(4, { rank: 0, pinned: 0, tried: [0] }), 0), -1, 'nor what has tried it')
})

t.test('the next tier takes nobody while one before it takes work', async t => {
  const table = tableOf([open(1), open(4, 1)])
  const user = table.join(0)
  user.ask(claim(0), [0, 1])
  const second = user.ask(claim(1), [0, 1])
  t.equal(second?.master, -1)
  t.equal(user.ask(claim(2, { tried: [0] }), [0, 1])?.master, 1, 'except for one that tried it in vain')
  table.setMasters([closed, open(4, 1)])
  t.equal(user.masterOf(second?.ticket as number), 1)
})

t.test('what a master runs for others leaves less room, but never none for us', async t => {
  for (const foreign of [3, 9]) {
    const user = tableOf([{ tier: 0, capacity: 4, foreign }]).join(0)
    t.equal(user.ask(claim(0), [0])?.master, 0)
    t.equal(user.ask(claim(1), [0])?.master, -1)
  }
})

t.test('more capacity lets those who wait go at once', async t => {
  const table = tableOf([open(1)])
  const user = table.join(0)
  user.ask(claim(0), [0])
  const second = user.ask(claim(1), [0])
  table.setMasters([open(2)])
  t.equal(user.masterOf(second?.ticket as number), 0)
})

t.test(
  'a master that starts slowly takes one request, and one more for each catalog it completes',
  async t => {
    const table = tableOf([open(3)])
    const user = table.join(0)
    table.startSlowly(0)
    t.equal(table.capacity(0), 1)
    const first = user.ask(claim(0), [0])
    const second = user.ask(claim(1), [0])
    t.equal(second?.master, -1)
    user.release(first?.ticket as number, 400)
    t.equal(user.masterOf(second?.ticket as number), 0)
    t.equal(table.capacity(0), 2)
    user.release(second?.ticket as number, 400)
    t.equal(table.capacity(0), 3)
  }
)

t.test('light requests warm a master up as well, by a tenth; what was not served does not', async t => {
  const table = tableOf([open(2)])
  const user = table.join(0)
  table.startSlowly(0)
  const serve = (servedMs?: number) => {
    const asked = user.ask(claim(0, { rank: 0 }), [0])
    user.release(asked?.ticket as number, servedMs)
  }
  for (let count = 0; count < 9; count++) serve(5)
  serve()
  t.equal(table.capacity(0), 1)
  serve(5)
  t.equal(table.capacity(0), 2)
})

t.test('the slot a light request had is kept for the next one, not given to a catalog', async t => {
  let clockMs = 1_000
  const light = () => claim(clockMs, { rank: 0 })
  const catalog = () => claim(clockMs + 50_000)
  const table = tableOf([open(2)], 2, 64, () => clockMs)
  const user = table.join(0)
  const asked = [user.ask(light(), [0]), user.ask(catalog(), [0]), user.ask(catalog(), [0])]
  const [first, running, waiting] = asked.map(each => each?.ticket as number) as [number, number, number]
  t.equal(user.keptMs(), undefined)
  user.release(first, 80)
  t.equal(user.masterOf(waiting), -1)
  t.equal(user.keptMs(), KEPT_FOR_LIGHT_MS)
  clockMs += 20
  t.equal(user.keptMs(), KEPT_FOR_LIGHT_MS - 20)
  const next = user.ask(light(), [0])
  t.equal(next?.master, 0, 'which has it without waiting')
  t.equal(user.keptMs(), undefined, 'and now there is nothing to keep')
  user.release(next?.ticket as number, 80)
  clockMs += KEPT_FOR_LIGHT_MS
  user.offer()
  t.equal(user.masterOf(waiting), 0, 'the catalog has it when no light request came')
  t.ok(running)
})

t.test('what is kept for light requests is one slot, and not from a catalog that has aged', async t => {
  let clockMs = 1_000
  const table = tableOf([open(3)], 2, 64, () => clockMs)
  const user = table.join(0)
  const light = user.ask(claim(clockMs, { rank: 0 }), [0])
  user.release(light?.ticket as number, 80)
  t.equal(user.ask(claim(clockMs + 50_000), [0])?.master, 0)
  t.equal(user.ask(claim(clockMs + 50_000), [0])?.master, 0)
  const last = user.ask(claim(clockMs + 50_000), [0])
  t.equal(last?.master, -1)
  clockMs += 49_990
  const late = user.ask(claim(clockMs, { rank: 0 }), [0])
  t.equal(late?.master, 0)
  clockMs += 20
  user.release(late?.ticket as number, 80)
  t.equal(user.masterOf(last?.ticket as number), 0)
})

t.test('a slot whose time ran out between two looks at the clock is still to be offered', async t => {
  let clockMs = 1_000
  const table = tableOf([open(1)], 2, 64, () => clockMs)
  const user = table.join(0)
  const light = user.ask(claim(clockMs, { rank: 0 }), [0])
  user.release(light?.ticket as number, 80)
  const catalog = user.ask(claim(clockMs + 50_000), [0])?.ticket as number
  clockMs = 1_000 + KEPT_FOR_LIGHT_MS - 0.001
  user.offer()
  t.equal(user.masterOf(catalog), -1)
  clockMs += 0.002
  t.equal(user.keptMs(), 0)
  user.offer()
  t.equal(user.masterOf(catalog), 0)
  t.equal(user.keptMs(), undefined)
})

t.test('how long a slot is kept follows the gaps between the requests of runs', async t => {
  let clockMs = 1_000
  const table = tableOf([open(1), open(1)], 2, 64, () => clockMs)
  const user = table.join(0)
  const waiting = user.ask(claim(clockMs + 50_000, { pinned: 0 }), [0])
  user.release(waiting?.ticket as number)
  const keptAfter = (gapMs: number, count: number) => {
    for (let index = 0; index < count; index++) {
      clockMs += gapMs
      user.release(user.take(claim(clockMs, { rank: 0, pinned: 0 }), 0), 10)
    }
    const catalog = user.ask(claim(clockMs + 50_000, { pinned: 0 }), [0])
    const keptMs = user.keptMs()
    user.release(catalog?.ticket as number)
    return keptMs ?? 0
  }
  const { gaps, longestGapMs } = ANTICIPATION
  t.ok(Math.abs(keptAfter(5, 200) - gaps * 5) < 1)
  t.ok(Math.abs(keptAfter(100, 200) - gaps * 100) < 1)
  t.ok(Math.abs(keptAfter(longestGapMs + 1, 50) - gaps * 100) < 1, 'but not the pause between two phases')
})

t.test('a light request that was not served keeps nothing', async t => {
  const user = tableOf([open(1)]).join(0)
  const light = user.ask(claim(0, { rank: 0 }), [0])
  const waiting = user.ask(claim(50_000), [0])
  user.release(light?.ticket as number)
  t.equal(user.masterOf(waiting?.ticket as number), 0)
})

t.test('the forecast is the work that waits, by what it took lately, over all JRubies', async t => {
  const table = tableOf([open(1), open(1), { ...open(9), tier: -1 }])
  const user = table.join(0)
  const [a, b] = [user.ask(claim(0), [0, 1]), user.ask(claim(1), [1, 0])]
  t.equal(table.forecastMs(), 0)
  user.release(a?.ticket as number, 4_000)
  user.ask(claim(2), [0, 1])
  for (let count = 0; count < 5; count++) user.ask(claim(3), [0, 1])
  t.equal(table.forecastMs(), (5 * 4_000) / 2)
  t.ok(b)
})

t.test('a worker that dies gives back what it held, and what it waited for', async t => {
  const table = tableOf([open(2)])
  const [a, b] = [table.join(0), table.join(1)]
  a.ask(claim(0), [0])
  a.ask(claim(1), [0])
  a.ask(claim(2), [0])
  const survivor = b.ask(claim(3), [0])
  table.removeWorker(0)
  t.equal(b.masterOf(survivor?.ticket as number), 0)
  t.equal(table.taken(0), 1)
  t.equal(table.waiting(2), 0)
})

t.test('a request whose agent left keeps its slot, and is counted apart until it is released', async t => {
  const table = tableOf([open(1), open(1)])
  const [a, b] = [table.join(0), table.join(1)]
  const ghost = a.ask(claim(0), [0])?.ticket as number
  const other = b.ask(claim(1), [1])?.ticket as number
  const waiting = a.ask(claim(2), [0, 1])?.ticket as number
  a.leave(ghost)
  a.leave(ghost)
  a.leave(waiting)
  t.same([table.taken(0), table.ghosts(0), table.ghosts(1)], [1, 1, 0])
  t.equal(a.masterOf(waiting), -1)
  a.release(ghost)
  t.same([table.taken(0), table.ghosts(0)], [1, 0])
  t.equal(a.masterOf(waiting), 0)
  b.leave(other)
  table.removeWorker(0)
  t.same([table.taken(1), table.ghosts(1)], [1, 1], 'also when another worker died')
  table.removeWorker(1)
  t.same([table.taken(1), table.ghosts(1)], [0, 0])
})

t.test('a full table says so', async t => {
  const user = tableOf([open(1)], 1, 2).join(0)
  user.ask(claim(0), [0])
  user.ask(claim(1), [0])
  t.equal(user.ask(claim(2), [0]), undefined)
})

t.test(
  'over 100,000 random events slots are neither exceeded nor leaked nor left idle, workers dying among them',
  async t => {
    const dice = seededDice(42)
    const pick = (count: number) => Math.floor(dice() * count)
    let rooms = [open(4), open(2), open(8), open(1, 1)]
    const workers = 3
    let event = 0
    const table = createSlotTable({ workers, masters: rooms.length, entries: 40 }, () => event)
    table.setMasters(rooms)
    const users: SlotUser[] = Array.from({ length: workers }, (_, worker) => table.join(worker))
    const held = Array.from({ length: workers }, () => new Set<number>())
    const violations: string[] = []
    const taken = () => rooms.map((_, master) => table.taken(master))

    function happen(worker: number): void {
      const user = users[worker] as SlotUser
      const mine = held[worker] as Set<number>
      const some = () => [...mine][pick(mine.size)]
      const what = dice()
      if (what < 0.45) {
        const rank = pick(3)
        const pinned = dice() < 0.3 ? pick(3) : -1
        const tried = dice() < 0.1 ? [pick(4)] : []
        const asks = { rank, claim: event + rank * 50, pinned, tried }
        const order = shuffled([0, 1, 2, 3], dice)
        const taken = user.take(asks, pinned >= 0 ? pinned : (order[0] as number))
        const ticket = taken >= 0 ? taken : user.ask(asks, order)?.ticket
        if (ticket !== undefined) mine.add(ticket)
      } else if (what < 0.5) {
        const ticket = some()
        if (ticket !== undefined && user.masterOf(ticket) >= 0) user.leave(ticket)
      } else if (what < 0.99) {
        const ticket = some()
        if (ticket === undefined) return
        mine.delete(ticket)
        user.release(ticket, dice() < 0.7 ? 10 : undefined)
      } else if (what < 0.993) {
        rooms = rooms.map(room => ({ ...room, tier: dice() < 0.1 ? -1 : pick(2), capacity: 1 + pick(8) }))
        table.setMasters(rooms)
      } else if (what < 0.996) {
        table.startSlowly(pick(4))
      } else if (what < 0.999) {
        user.offer()
      } else {
        table.removeWorker(worker)
        mine.clear()
        users[worker] = table.join(worker)
      }
    }

    for (; event < 100_000; event++) {
      const before = taken()
      const worker = pick(workers)
      happen(worker)
      const running = [0, 0, 0, 0]
      let waiting = 0
      held.forEach((tickets, index) => {
        for (const ticket of tickets) {
          const master = (users[index] as SlotUser).masterOf(ticket)
          if (master < 0) waiting++
          else running[master] = (running[master] as number) + 1
        }
      })
      taken().forEach((count, master) => {
        if (count > table.capacity(master) && count > (before[master] as number))
          violations.push(`event ${event}: master ${master} has too many`)
        if (count !== running[master]) violations.push(`event ${event}: master ${master} is miscounted`)
      })
      const counted = table.waiting(0) + table.waiting(1) + table.waiting(2)
      if (counted !== waiting)
        violations.push(`event ${event}: ${counted} counted as waiting, ${waiting} wait`)
      // Whoever could run by now runs, unless a timer is to be set for it.
      if ((users[worker] as SlotUser).keptMs() === undefined) {
        const still = taken()
        users[worker]?.offer()
        if (`${taken()}` !== `${still}`) violations.push(`event ${event}: a slot was left idle`)
      }
      if (violations.length > 3) break
    }
    t.same(violations, [])
    held.forEach((tickets, worker) => {
      for (const ticket of tickets) (users[worker] as SlotUser).release(ticket)
    })
    t.same(
      rooms.map((_, master) => [table.taken(master), table.ghosts(master), table.depth()]),
      rooms.map(() => [0, 0, 0])
    )
  }
)

t.test('real threads that fight for two slots never hold three', async t => {
  const size = { workers: 3, masters: 1, entries: 16 }
  const table = createSlotTable(size, () => performance.now())
  table.setMasters([open(2)])
  const holders = new Int32Array(new SharedArrayBuffer(8))
  const url = new URL('../../src/shared/slots/table.ts', import.meta.url).href
  const script = `
    const { once } = require('node:events')
    const { parentPort, workerData } = require('node:worker_threads')
    import(${JSON.stringify(url)}).then(async ({ createSlotTable }) => {
      const user = createSlotTable(${JSON.stringify(size)}, () => performance.now(), workerData.buffer).join(workerData.worker)
      // A pending Atomics.waitAsync does not keep a thread alive; in the balancer the listener does.
      const alive = setInterval(() => {}, 1000)
      parentPort.postMessage('ready')
      await once(parentPort, 'message')
      for (let round = 0; round < 500; round++) {
        const { ticket, master } = user.ask({ rank: 0, claim: round, pinned: -1, tried: [] }, [0])
        if (master < 0) while (user.masterOf(ticket) < 0) await user.granted()
        const now = Atomics.add(workerData.holders, 0, 1) + 1
        if (now > Atomics.load(workerData.holders, 1)) Atomics.store(workerData.holders, 1, now)
        await new Promise(setImmediate)
        Atomics.sub(workerData.holders, 0, 1)
        user.release(ticket)
      }
      clearInterval(alive)
      parentPort.postMessage('done')
    })`
  const threads = [0, 1, 2].map(worker => {
    const thread = new Worker(script, { eval: true, workerData: { buffer: table.buffer, holders, worker } })
    t.teardown(() => thread.terminate())
    return thread
  })
  await Promise.all(threads.map(thread => once(thread, 'message')))
  const finished = threads.map(thread => once(thread, 'message'))
  for (const thread of threads) thread.postMessage('go')
  await Promise.all(finished)
  t.equal(table.taken(0), 0)
  t.equal(holders[1], 2, 'and did hold two at once')
})

function shuffled(values: number[], dice: () => number): number[] {
  return values
    .map(value => ({ value, at: dice() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}

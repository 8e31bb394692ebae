import t from 'tap'
import { ANTICIPATION } from '../../src/shared/slots/anticipation.ts'
import { claimantCell, strangers } from '../../src/shared/slots/claimants.ts'
import { maskOf } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { Claimant, SlotClaim, SlotUser } from '../../src/shared/slots/types.ts'
import { schedule } from './threads.ts'

/** How long a catalog may be passed over, on the clock of these tests. */
const HEAD_START = 100
const agent = (cell: number): Claimant => ({ cell, slots: 4, places: 16 })
const light = (atMs: number, claimant?: Claimant): SlotClaim => ({
  rank: 0,
  dueMs: atMs,
  furtherDueMs: atMs + HEAD_START,
  mask: maskOf([3]),
  claimant
})
const catalog = (atMs: number, claimant: Claimant): SlotClaim => ({
  ...light(atMs, claimant),
  rank: 2,
  dueMs: atMs + HEAD_START
})

/** One slot, which somebody has; `serve` gives it to whoever is next, and names it. */
async function setUp() {
  let nowMs = 0
  const table = createSlotTable({ workers: 1, entries: 32 }, { now: () => nowMs, schedule })
  await table.setSeats(new Map([[3, { capacity: 1, foreign: 0, takesNewRuns: true }]]))
  const user: SlotUser = table.join(0)
  const names = new Map<number, string>()
  let running = user.take(light(0, agent(99)), 3)
  function next(): string | undefined {
    running = [...names.keys()].find(ticket => user.seatOf(ticket) >= 0) ?? -1
    const name = names.get(running)
    names.delete(running)
    return name
  }
  return {
    take: (claim: SlotClaim) => user.take(claim, 3) >= 0,
    wait: (name: string, claim: SlotClaim) => void names.set(user.wait(claim), name),
    /** `servedMs`: how long the one before was served; else it was not. */
    serve(servedMs?: number) {
      user.release(running, servedMs)
      return next()
    },
    /** Nobody waits any longer for the next file of a run. */
    letReservedGo() {
      nowMs += ANTICIPATION.gaps * ANTICIPATION.firstGapMs
      user.releaseReserved()
      return next()
    }
  }
}

t.test(
  'of those who ask for several things at a time one goes before catalogs, and the rest in turn',
  async t => {
    const { wait, serve } = await setUp()
    for (const cell of [1, 2]) for (const what of ['a', 'b']) wait(`${cell}${what}`, light(1, agent(cell)))
    wait('catalog', catalog(2, agent(3)))
    t.same([serve(), serve()], ['1a', '2a'])
    wait('1c', light(3, agent(1)))
    wait('2c', light(4, agent(2)))
    t.same([serve(), serve(), serve(), serve()], ['1b', '2b', 'catalog', '1c'])
  }
)

t.test('who asks for one thing after the other goes before catalogs each time', async t => {
  const { wait, serve } = await setUp()
  wait('catalog', catalog(1, agent(3)))
  for (const number of [1, 2, 3]) {
    wait(`file ${number}`, light(2, agent(1)))
    wait(`of another ${number}`, light(3, agent(10 + number)))
    t.same([serve(), serve()], [`file ${number}`, `of another ${number}`])
  }
})

t.test('what one asks for while it holds a slot has the turn of a catalog', async t => {
  const { wait, serve } = await setUp()
  wait('1', light(1, agent(1)))
  t.equal(serve(), '1')
  wait('catalog', catalog(2, agent(3)))
  wait('2', light(3, agent(1)))
  wait('other', light(4, agent(4)))
  t.same([serve(), serve(), serve()], ['other', 'catalog', '2'])
})

t.test(
  'no slot is kept for the next of several things, nor given to one that was kept for a run',
  async t => {
    const { wait, serve, letReservedGo } = await setUp()
    wait('1', light(0, agent(1)))
    wait('2', light(0, agent(1)))
    t.equal(serve(), '1')
    wait('catalog', catalog(1, agent(2)))
    t.equal(serve(5), undefined)
    t.equal(letReservedGo(), '2')
    t.equal(serve(5), 'catalog')
  }
)

t.test('how soon several things at a time follow each other says nothing of how soon runs go on', async t => {
  let nowMs = 1_000
  const table = createSlotTable({ workers: 1, entries: 32 }, { now: () => nowMs, schedule })
  await table.setSeats(new Map([[3, { capacity: 2, foreign: 0, takesNewRuns: true }]]))
  const user = table.join(0)
  user.take(light(nowMs, agent(1)), 3)
  const serveRun = () => user.release(user.take(light(nowMs, agent(2)), 3), 5)
  for (let count = 0; count < 200; count++) {
    serveRun()
    nowMs++
    user.learnGap(light(nowMs, agent(1)), 3)
  }
  serveRun()
  user.wait(catalog(nowMs, agent(3)))
  t.equal(user.reservedForMs(), ANTICIPATION.gaps * ANTICIPATION.firstGapMs)
})

t.test('a newcomer takes one that is kept if it comes alone', async t => {
  const { wait, serve, take } = await setUp()
  wait('1', light(0, agent(1)))
  wait('catalog', catalog(1, agent(2)))
  t.equal(serve(), '1')
  wait('elsewhere', { ...light(0, agent(1)), mask: maskOf([5]) })
  t.equal(serve(5), undefined)
  t.equal(take(light(0, agent(1))), false)
  t.equal(take(light(0, agent(3))), true)
})

t.test('who is not counted, and all strangers, keep their order', async t => {
  const { wait, serve } = await setUp()
  for (const name of ['u1', 'u2']) wait(name, light(1))
  wait('late', light(50, agent(1)))
  wait('catalog of a stranger', catalog(1, strangers))
  wait('file of a stranger', light(50, strangers))
  t.same([serve(), serve(), serve()], ['u1', 'u2', 'late'])
  t.same([serve(), serve()], ['file of a stranger', 'catalog of a stranger'])
})

t.test('hardly any newcomer is taken for somebody who waits, in an hour with 10,000 waiting', async t => {
  const waiting = new Set(Array.from({ length: 10_000 }, (_, i) => claimantCell(`node-${i}.example`, 7)))
  const newcomers = Array.from({ length: 10_000 }, (_, i) => claimantCell(`new-${i}.example`, 7))
  t.ok(newcomers.filter(cell => waiting.has(cell)).length < 150)
})

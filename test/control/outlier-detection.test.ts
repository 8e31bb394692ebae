import t from 'tap'
import { createOutlierDetection, describeOutlier } from '../../src/control/outliers/detection.ts'
import { createEvidence } from '../../src/control/outliers/evidence.ts'
import type { MasterState } from '../../src/model/master.ts'
import { createResultTable, type Result } from '../../src/shared/results.ts'
import { masters as mastersOf } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const OUT_MS = 30_000

/** Masters whose results the test says, each under a watch that ejects for half a minute. */
function setUp(names: readonly string[]) {
  const runtime = fakeRuntime()
  const results = createResultTable()
  const masters = mastersOf(Object.fromEntries(names.map(name => [name, 1])))
  const states = new Map<number, MasterState>()
  const outUntilMs = new Map<number, number>()
  const told: string[] = []
  const nameOf = (id: number) => masters.find(each => each.id === id)?.name
  const isOut = (id: number) => runtime.now() < (outUntilMs.get(id) ?? 0)
  const detection = createOutlierDetection({
    masters: () => masters,
    watchOf: id => ({
      state: () => (isOut(id) ? 'ejected' : (states.get(id) ?? 'up')),
      isOutlier: () => isOut(id),
      ejectAsOutlier(fault, cause) {
        told.push(`${nameOf(id)} ${fault}: ${cause}`)
        outUntilMs.set(id, runtime.now() + OUT_MS)
      }
    }),
    results,
    runtime
  })
  detection.start()
  const seat = (name: string) => masters.find(each => each.name === name)?.seat as number
  return {
    ...{ runtime, results, detection, told, seat },
    /** Something became of requests of so many agents at a master. */
    add(name: string, result: Result, agents: number, { first = 1, status = 500 } = {}) {
      for (let agent = first; agent < first + agents; agent++)
        results.add(seat(name), result, agent, result === 'failed' ? status : undefined)
    },
    setState: (name: string, state: MasterState) =>
      states.set(masters.find(each => each.name === name)?.id as number, state)
  }
}

t.test('a master that fails catalogs is found within a second, and told in agents', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2', 'm3'])
  add('m1', 'failed', 8)
  for (const name of ['m2', 'm3']) add(name, 'given', 8)
  await runtime.advance(1_000)
  t.same(told, ['m1 catalogs: answers the catalogs of 8 of 8 agents with 500, other masters 0 of 16'])
})

t.test('so is one that loses requests of any kind', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2', 'm3'])
  add('m1', 'lost', 8)
  for (const name of ['m2', 'm3']) add(name, 'answered', 8)
  await runtime.advance(1_000)
  t.same(told, ['m1 requests: loses the requests of 8 of 8 agents, other masters 0 of 16'])
})

t.test('one that has served for long is found by what it did in the last seconds', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2'])
  for (const name of ['m1', 'm2']) add(name, 'given', 300)
  await runtime.advance(30_000)
  add('m1', 'failed', 12, { first: 400 })
  add('m2', 'given', 12, { first: 420 })
  await runtime.advance(1_000)
  t.match(told, [/^m1 catalogs: .* 12 of 12 agents/])
})

t.test('on a quiet site a minute or five tell what seconds do not', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2'])
  for (let agent = 1; agent <= 40 && told.length === 0; agent += 2) {
    add('m1', 'failed', 1, { first: agent })
    add('m2', 'given', 1, { first: agent + 1 })
    await runtime.advance(25_000)
  }
  t.match(told, [/^m1 catalogs/])
})

t.test('what is older than that counts for nothing', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2'])
  add('m1', 'failed', 5)
  await runtime.advance(320_000)
  add('m1', 'failed', 2, { first: 20 })
  add('m2', 'given', 500, { first: 100 })
  await runtime.advance(1_000)
  t.same(told, [])
})

t.test('half of the masters are out at most', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2', 'm3'])
  const fail = () => {
    for (const name of ['m1', 'm2']) add(name, 'failed', 40)
    add('m3', 'given', 40)
  }
  for (let second = 0; second < 10; second++) {
    fail()
    await runtime.advance(1_000)
  }
  t.equal(told.length, 1)
  const two = setUp(['m1', 'm2', 'm3', 'm4'])
  for (let second = 0; second < 10; second++) {
    for (const name of ['m1', 'm2']) two.add(name, 'failed', 40)
    for (const name of ['m3', 'm4']) two.add(name, 'given', 40)
    await two.runtime.advance(1_000)
  }
  t.equal(two.told.length, 2, 'of four two')
})

t.test('the last that serves stays, whatever it does', async t => {
  const { runtime, add, told, setState } = setUp(['m1', 'm2'])
  setState('m2', 'down')
  add('m1', 'failed', 40)
  add('m2', 'given', 40)
  await runtime.advance(5_000)
  t.same(told, [])
})

t.test('one that comes back is judged by what it does then', async t => {
  const { runtime, add, told } = setUp(['m1', 'm2'])
  const others = () => add('m2', 'given', 60)
  add('m1', 'failed', 20)
  others()
  await runtime.advance(1_000)
  t.equal(told.length, 1)
  add('m1', 'failed', 20)
  await runtime.advance(OUT_MS)
  others()
  await runtime.advance(5_000)
  t.equal(told.length, 1, 'what it failed before and meanwhile is forgotten')
  add('m1', 'failed', 4)
  await runtime.advance(1_000)
  t.equal(told.length, 2, 'and few more are enough beside all that the others did')
})

t.test('once stopped it looks no more', async t => {
  const { runtime, add, told, detection } = setUp(['m1', 'm2', 'm3'])
  detection.stop()
  add('m1', 'failed', 20)
  for (const name of ['m2', 'm3']) add(name, 'given', 20)
  await runtime.advance(60_000)
  t.same(told, [])
})

t.test('evidence is kept in slices, and a time covers one more of them at most', async t => {
  const results = createResultTable()
  const evidence = createEvidence(60_000)
  const agentsOver = (nowMs: number, spanMs: number) =>
    evidence.over(nowMs, spanMs, 'given').reduce((sum, word) => sum | word, 0)
  for (const [agent, atMs] of [1_000, 2_000, 30_000, 61_000].entries()) {
    results.add(0, 'given', agent + 1)
    evidence.add(atMs, results.drain(0))
  }
  t.equal(agentsOver(61_000, 60_000), 0b11110)
  t.equal(agentsOver(61_000, 10_000), 0b10000)
  t.equal(agentsOver(75_000, 60_000), 0b11000)
})

t.test('a catalog without an answer is told as such', async t => {
  const outlier = { id: 1, failed: 4, of: 5, othersFailed: 0, othersOf: 30 }
  t.equal(
    describeOutlier('catalogs', outlier, 0),
    'leaves the catalogs of 4 of 5 agents without an answer, other masters 0 of 30'
  )
})

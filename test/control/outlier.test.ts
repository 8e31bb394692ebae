import t from 'tap'
import { countOf } from '../../src/control/outliers/agents.ts'
import { chanceOf } from '../../src/control/outliers/chance.ts'
import { outlierOf } from '../../src/control/outliers/outlier.ts'
import { AGENT_WORDS, type AgentBits } from '../../src/shared/results.ts'
import { seededDice } from '../support/runtime.ts'

/** The agents of these numbers. */
function agents(numbers: Iterable<number>): AgentBits {
  const bits = new Int32Array(AGENT_WORDS)
  for (const number of numbers) {
    const word = (number >>> 5) % AGENT_WORDS
    bits[word] = (bits[word] as number) | (1 << (number & 31))
  }
  return bits
}
const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

/** Masters 0, 1 … each with the agents it served and those it failed. */
const sightsOf = (...masters: readonly (readonly [good: Iterable<number>, bad: Iterable<number>])[]) =>
  masters.map(([good, bad], id) => ({ id, good: agents(good), bad: agents(bad) }))

t.test('the chance is that of Fisher’s exact test', async t => {
  const isNear = (actual: number, expected: number) => Math.abs(actual / expected - 1) < 1e-9
  // One table of all that have these sums is as extreme: 1 of 18 over 6.
  t.ok(isNear(chanceOf(6, 6, 0, 12), 1 / 18_564))
  // Fisher's lady who tasted tea: three of four cups right, or all.
  t.ok(isNear(chanceOf(3, 4, 1, 4), 17 / 70))
  t.ok(isNear(chanceOf(0, 10, 3, 20), 1))
  t.ok(chanceOf(400, 400, 0, 800) < 1e-300)
  // Where sums give way to Stirling's series nothing jumps: all chances together are still one.
  for (const count of [28, 31, 32, 33, 400]) t.ok(isNear(chanceOf(0, count, 20, 50), 1))
})

t.test('agents are counted to within a few of a hundred', async t => {
  t.equal(countOf(agents([])), 0)
  t.equal(countOf(agents([5])), 1)
  t.equal(countOf(agents(range(0, 10))), 10)
  const dice = seededDice(3)
  const some = agents(Array.from({ length: 800 }, () => Math.floor(dice() * 1_024)))
  t.ok(Math.abs(countOf(some) - 800) < 50, `${countOf(some)} of 800`)
  t.ok(Number.isFinite(countOf(agents(range(0, 1_024)))))
})

t.test('a master that fails all while the others fail none is one', async t => {
  const all = range(0, 8)
  t.same(outlierOf(sightsOf([[], all], [all, []], [all, []])), {
    id: 0,
    failed: 8,
    of: 8,
    othersFailed: 0,
    othersOf: 16
  })
})

t.test('so is one that fails a third of many, such as one environment', async t => {
  const others = range(0, 150)
  t.match(outlierOf(sightsOf([others, []], [range(150, 40), range(190, 20)])), { id: 1, failed: 20 })
})

t.test('of two the worse one goes first', async t => {
  const sights = sightsOf(
    [range(0, 40), range(40, 20)],
    [range(60, 10), range(70, 50)],
    [range(120, 60), []],
    [range(180, 60), []]
  )
  t.equal(outlierOf(sights)?.id, 1)
})

t.test('nothing is proved', async t => {
  const many = range(100, 60)
  const cases: Readonly<Record<string, ReturnType<typeof sightsOf>>> = {
    'when nobody fails': sightsOf([many, []], [many, []]),
    'by two agents': sightsOf([[], [1, 2]], [many, []]),
    'without others to compare with': sightsOf([[], range(0, 50)]),
    'while the others have done nothing': sightsOf([[], range(0, 50)], [[], []]),
    'by what few others do': sightsOf([[], range(0, 4)], [range(10, 4), []]),
    'when all fail alike': sightsOf([[], range(0, 40)], [[], range(40, 40)], [[], range(80, 40)]),
    'by a share that is hardly greater': sightsOf(
      [range(0, 400), range(400, 100)],
      [range(500, 500), range(0, 30)]
    ),
    'by agents whom several failed and nobody served': sightsOf(
      [many, range(0, 30)],
      [range(200, 60), range(0, 15)],
      [range(300, 60), range(15, 15)]
    )
  }
  for (const [what, sights] of Object.entries(cases)) t.equal(outlierOf(sights), undefined, what)
})

t.test('an agent whom others serve is proof however many others fail it', async t => {
  const all = range(0, 12)
  // Two of three masters are broken: each agent has been failed by both, and served by the third.
  t.match(outlierOf(sightsOf([[], all], [range(20, 30), all], [[...all, ...range(50, 40)], []])), { id: 0 })
})

t.test('in a sound fleet where one of twenty manifests is broken hardly ever one is', async t => {
  const dice = seededDice(7)
  let found = 0
  const ROUNDS = 3_000
  for (let round = 0; round < ROUNDS; round++) {
    const masters = Array.from({ length: 4 }, () => [[], []] as [number[], number[]])
    for (let agent = 0; agent < 120; agent++) {
      const at = masters[Math.floor(dice() * 4)] as [number[], number[]]
      at[dice() < 0.05 ? 1 : 0].push(Math.floor(dice() * 1_024))
    }
    if (outlierOf(sightsOf(...masters))) found++
  }
  t.ok(found <= ROUNDS / 500, `${found} of ${ROUNDS}`)
})

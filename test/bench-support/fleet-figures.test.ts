import t from 'tap'
import { figuresOf, quantile } from '../bench/fleet-figures.ts'
import type { RunRecord } from '../bench/fleet-messages.ts'

const run = (rest: Partial<RunRecord> = {}): RunRecord => ({
  durationMs: 1_000,
  catalogWaitMs: 100,
  lightWaitsMs: [1, 2, 3],
  isMixed: false,
  isCrowded: false,
  serviceMs: 800,
  ...rest
})
const facts = { compression: 10, jrubies: 4, elapsedMs: 10_000 }
/** The first tenth is warm-up. */
const withWarmUp = (counted: readonly RunRecord[]) => [
  ...Array.from({ length: Math.ceil(counted.length / 9) }, () => run({ durationMs: 99_000, isMixed: true })),
  ...counted
]

t.test('times are told in seconds of Puppet, the warm-up left out', async t => {
  const figures = figuresOf(withWarmUp(Array.from({ length: 9 }, () => run())), facts)
  t.match(figures, { runP50: 10, runP99: 10, catalogWaitP99: 1, serviceMean: 8, mixed: 0, overheadMs: 2 })
})

t.test('a failed run counts as one, also in the warm-up, and its times count for nothing', async t => {
  const runs = [
    run({ failure: 'catalog: status 502' }),
    ...Array.from({ length: 9 }, () => run()),
    run({ failure: 'file: status 504', durationMs: 90_000 })
  ]
  const figures = figuresOf(runs, facts)
  t.equal(figures.failed, 2)
  t.equal(figures.runP99, 10)
  t.same(figures.failures, { 'catalog: status 502': 1, 'file: status 504': 1 })
})

t.test('a run that lost only its report has not failed, and is counted apart', async t => {
  const figures = figuresOf(
    [...Array.from({ length: 9 }, () => run()), run({ lostReport: 'status 502' })],
    facts
  )
  t.match(figures, { failed: 0, lostReports: 1 })
})

t.test('mixed is a share of the runs', async t => {
  const counted = Array.from({ length: 18 }, (_, index) => run({ isMixed: index < 9 }))
  t.equal(figuresOf(withWarmUp(counted), facts).mixed, 0.5)
})

t.test('runs that queued inside a master are a share of the runs', async t => {
  const counted = Array.from({ length: 18 }, (_, index) => run({ isCrowded: index < 9 }))
  t.equal(figuresOf(withWarmUp(counted), facts).crowded, 0.5)
})

t.test('how busy the JRubies were counts every run', async t => {
  const runs = Array.from({ length: 10 }, () => run({ serviceMs: 2_000 }))
  t.equal(figuresOf(runs, facts).busy, 20_000 / (4 * 10_000))
})

t.test('no run that succeeded is an error that tells why', async t => {
  t.throws(() => figuresOf([run({ failure: 'connect: refused' })], facts), { message: /connect: refused/ })
})

t.test('a quantile is a value that was measured, with so many below it', async t => {
  const values = Array.from({ length: 101 }, (_, index) => 100 - index)
  t.same(
    [quantile(values, 0), quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)],
    [0, 50, 99, 100]
  )
  t.throws(() => quantile([], 0.5), { message: 'no values, no quantile' })
})

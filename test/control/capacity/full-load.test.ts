import t from 'tap'
import { type Demand, erlangC, fullLoad, slowestRunMs } from '../../../src/control/capacity/full-load.ts'

/** Catalogs of equal shares, and runs of nothing else. */
const of = (...tookMs: readonly number[]): Demand => ({
  catalogs: tookMs.map(each => ({ tookMs: each, share: 1 / tookMs.length })),
  restMs: 0,
  restCount: 0
})
const even = of(8_000)
const uneven = of(1_000, 3_000, 20_000)

t.test('who comes finds all servers busy as often as the tables of Erlang C say', async t => {
  for (const [servers, erlangs, wanted] of [
    [1, 0.7, 0.7],
    [2, 1, 1 / 3],
    [10, 8, 0.4092],
    [100, 90, 0.217]
  ] as const)
    t.ok(Math.abs(erlangC(servers, erlangs) - wanted) < 5e-4, `${servers} with ${erlangs}`)
})

t.test('with one server and even times it is the wait of Pollaczek and Khinchine', async t => {
  // Conditional mean wait of M/D/1: half a service, over what is free. Of those who wait at a load of 0.8 one in eighty is among the slowest.
  const waitMs = (8_000 / 2 / (1 - 0.8)) * Math.log(0.8 / 0.01)
  t.ok(Math.abs(slowestRunMs(1, 0.8, even) / (8_000 + waitMs) - 1) < 0.001)
})

t.test('the more JRubies, the more load fills them', async t => {
  const loads = [1, 2, 4, 8, 16, 32].map(jrubies => fullLoad(jrubies, even))
  for (const [index, load] of loads.entries()) t.ok(load > (loads[index - 1] ?? 0.5), String(loads))
  t.ok(fullLoad(240, even) <= 0.995, 'but never all of them')
})

t.test('at full load the slowest runs take 4.2 times as long as at half load', async t => {
  for (const jrubies of [2, 4, 16])
    for (const demand of [even, uneven, { ...even, restMs: 2_000, restCount: 20 }]) {
      const ratio =
        slowestRunMs(jrubies, fullLoad(jrubies, demand), demand) / slowestRunMs(jrubies, 0.5, demand)
      t.ok(Math.abs(ratio - 4.2) < 0.01, `${jrubies}: ${ratio}`)
    }
})

t.test('where nothing is known of compile times but one, it is told all the same', async t => {
  t.ok(fullLoad(4, of(0.001)) > 0.5)
})

import t from 'tap'
import { createRetryBudget } from '../../src/data/http/retry-budget.ts'
import { fakeRuntime } from '../support/runtime.ts'

const HOUR_MS = 3_600_000

function setUp() {
  const runtime = fakeRuntime()
  const budget = createRetryBudget(runtime.now)
  return {
    runtime,
    budget,
    serve(requests: number) {
      for (let count = 0; count < requests; count++) budget.earn()
    },
    /** Repeats as long as that is allowed: how often it was. */
    takeAll() {
      let count = 0
      while (budget.take()) count++
      return count
    }
  }
}

t.test('ten repeats are there before anything was served', async t => {
  t.equal(setUp().takeAll(), 10)
})

t.test('every five requests served pay for one repeat', async t => {
  const { budget, serve, takeAll } = setUp()
  takeAll()
  for (let round = 0; round < 20; round++) {
    serve(4)
    t.equal(budget.take(), false)
    serve(1)
    t.equal(budget.take(), true)
    t.equal(budget.take(), false)
  }
})

t.test('a hundred repeats can be saved up and no more', async t => {
  const { serve, takeAll } = setUp()
  serve(10_000)
  t.equal(takeAll(), 100)
})

t.test('when nothing is served one repeat comes back each second', async t => {
  const { runtime, budget, takeAll } = setUp()
  takeAll()
  await runtime.advance(900)
  t.equal(budget.take(), false)
  await runtime.advance(200)
  t.equal(budget.take(), true)
  t.equal(budget.take(), false)
  await runtime.advance(5_000)
  t.equal(takeAll(), 5)
})

t.test('time brings back ten repeats and no more', async t => {
  const { runtime, takeAll } = setUp()
  takeAll()
  await runtime.advance(HOUR_MS)
  t.equal(takeAll(), 10)
})

t.test('time neither adds to what was saved up nor takes from it', async t => {
  const { runtime, serve, takeAll } = setUp()
  serve(10_000)
  await runtime.advance(HOUR_MS)
  t.equal(takeAll(), 100)
})

import t from 'tap'
import { createLogPace } from '../../src/telemetry/log-pace.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** A queue of `length` characters that is empty and idle when all have gone. */
function scene() {
  const state = { length: 0, isIdle: true, gone: 0, ended: 0 }
  const clock = fakeRuntime()
  const pace = createLogPace({
    schedule: clock.schedule,
    length: () => state.length,
    isIdle: () => state.isIdle,
    go: () => void state.gone++
  })
  const flush = () => pace.flush(() => void state.ended++)
  return { state, clock, pace, flush }
}

t.test('a few lines wait for company, once for all, and no longer than a quarter of a second', async t => {
  const { state, clock, pace } = scene()
  for (state.length = 100; state.length < 500; state.length += 100) pace.lineUp()
  await clock.advance(249)
  t.equal(state.gone, 0)
  await clock.advance(1)
  t.equal(state.gone, 1)
  await clock.advance(1_000)
  t.equal(state.gone, 1)
  pace.lineUp()
  await clock.advance(250)
  t.equal(state.gone, 2, 'the next ones have a wait of their own')
})

t.test('a whole batch goes at once, and nothing is scheduled for an empty queue', async t => {
  const { state, clock, pace } = scene()
  pace.lineUp()
  await clock.advance(1_000)
  t.equal(state.gone, 0)
  state.length = 16 * 1024
  pace.lineUp()
  t.equal(state.gone, 1)
})

t.test('a flush ends when nothing is under way any more, and only once', async t => {
  const { state, clock, pace, flush } = scene()
  flush()
  t.equal(state.ended, 1, 'nothing waits')
  state.isIdle = false
  flush()
  pace.look()
  t.equal(state.ended, 1)
  state.length = 1
  const { gone } = state
  pace.lineUp()
  t.equal(state.gone, gone + 1, 'nothing waits for company meanwhile')
  state.isIdle = true
  pace.look()
  t.equal(state.ended, 2)
  await clock.advance(5_000)
  t.equal(state.ended, 2)
})

t.test('a flush of a log that nobody takes ends after a second', async t => {
  const { state, clock, flush } = scene()
  state.isIdle = false
  flush()
  await clock.advance(999)
  t.equal(state.ended, 0)
  await clock.advance(1)
  t.equal(state.ended, 1)
})

import t from 'tap'
import { seatCount } from '../../src/model/master.ts'
import { createResultTable } from '../../src/shared/results.ts'
import { startThread } from './threads.ts'

const last = seatCount - 1
const bits = (words: Int32Array) => [...words].flatMap((word, index) => (word === 0 ? [] : [[index, word]]))

t.test('results are counted by seat, and agents once until they are drained', async t => {
  const results = createResultTable()
  for (let time = 0; time < 3; time++) results.add(last, 'failed', 33, 500)
  results.add(last, 'given', 34)
  results.add(0, 'given', 35)
  t.same(
    [results.total(last, 'failed'), results.total(last, 'given'), results.total(last, 'lost')],
    [3, 1, 0]
  )
  const { agents, lastStatus } = results.drain(last)
  t.same([bits(agents.failed), bits(agents.given), bits(agents.answered)], [[[1, 2]], [[1, 4]], []])
  t.equal(lastStatus, 500)
  t.same(bits(results.drain(last).agents.failed), [], 'only what came since')
  t.equal(results.total(last, 'failed'), 3, 'while totals go on')
  t.same(bits(results.drain(0).agents.given), [[1, 8]])
})

t.test('one that is not told apart counts, but is no agent', async t => {
  const results = createResultTable()
  results.add(3, 'failed', 0, 404)
  t.equal(results.total(3, 'failed'), 1)
  t.same(bits(results.drain(3).agents.failed), [])
})

t.test('an agent is one of so many, whatever number it has', async t => {
  const results = createResultTable()
  results.add(3, 'lost', 65_535)
  t.equal(bits(results.drain(3).agents.lost).length, 1)
})

t.test('the next occupant of a seat begins with nothing', async t => {
  const results = createResultTable()
  for (const seat of [6, 7, 8]) results.add(seat, 'failed', 1_023, 500)
  results.reset(7)
  t.same(
    [6, 7, 8].map(seat => [results.total(seat, 'failed'), bits(results.drain(seat).agents.failed).length]),
    [
      [1, 1],
      [0, 0],
      [1, 1]
    ]
  )
  t.equal(results.drain(7).lastStatus, 0)
})

t.test('all threads see one table', async t => {
  const results = createResultTable()
  const body = `
    const results = exports.createResultTable(data.buffer)
    for (let agent = 1; agent <= 500; agent++) results.add(7, 'given', agent)
    post('done')`
  const threads = [0, 1, 2].map(() => startThread(t, 'results.ts', body, { buffer: results.buffer }))
  await Promise.all(threads.map(thread => thread.message()))
  t.equal(results.total(7, 'given'), 1_500)
  const { given } = results.drain(7).agents
  const agents = given.reduce((sum, word) => sum + (word >>> 0).toString(2).replaceAll('0', '').length, 0)
  t.equal(agents, 500)
})

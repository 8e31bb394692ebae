import t from 'tap'
import { createTally } from '../../src/shared/tally.ts'
import { seededDice } from '../support/runtime.ts'
import { startThread } from './threads.ts'

const size = { workers: 3, cells: 1024 }

t.test('a name has what all workers have counted for it', async t => {
  const tally = createTally(size, seededDice(1))
  const [web, db] = [tally.keyOf('web.example.com'), tally.keyOf('db.example.com')]
  tally.add(0, web)
  tally.add(2, web)
  tally.add(1, db)
  t.equal(tally.of(web), 2)
  tally.remove(2, web)
  t.equal(tally.of(web), 1)
  t.equal(tally.of(db), 1)
})

t.test('what a dead worker counted is gone, and nothing else', async t => {
  const tally = createTally(size, seededDice(1))
  const key = tally.keyOf('192.0.2.7')
  for (const worker of [0, 1, 1, 2]) tally.add(worker, key)
  tally.wipe(1)
  t.equal(tally.of(key), 2)
})

t.test('a count is never too low, and of a thousand names hardly one is too high', async t => {
  const tally = createTally({ workers: 1, cells: 16_384 }, seededDice(7))
  const names = Array.from({ length: 1_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
  names.forEach((name, index) => {
    for (let times = 0; times <= index % 3; times++) tally.add(0, tally.keyOf(name))
  })
  const excess = names.map((name, index) => tally.of(tally.keyOf(name)) - ((index % 3) + 1))
  t.ok(excess.every(each => each >= 0))
  t.ok(excess.filter(each => each > 0).length <= 10)
})

t.test('whose cells a name shares differs from process to process', async t => {
  const [one, two] = [createTally(size, seededDice(1)), createTally(size, seededDice(2))]
  t.not(one.keyOf('web'), two.keyOf('web'))
  t.equal(
    createTally(size, seededDice(3), one.buffer).keyOf('web'),
    one.keyOf('web'),
    'not from thread to thread'
  )
})

t.test('all threads see one tally', async t => {
  const tally = createTally(size, seededDice(1))
  const key = tally.keyOf('web')
  const body = `
    const tally = exports.createTally(data.size, () => 0, data.buffer)
    const key = tally.keyOf('web')
    for (let round = 0; round < 1000; round++) { tally.add(data.worker, key); tally.add(data.worker, key); tally.remove(data.worker, key) }
    post('done')`
  const threads = [0, 1, 2].map(worker =>
    startThread(t, 'tally.ts', body, { buffer: tally.buffer, size, worker })
  )
  await Promise.all(threads.map(thread => thread.message()))
  t.equal(tally.of(key), 3_000)
})

import t from 'tap'
import { seatCount } from '../../src/model/master.ts'
import { createBoard } from '../../src/shared/board.ts'
import { startThread } from './threads.ts'

const size = { workers: 3 }
const last = seatCount - 1

t.test('what is in flight at a seat is the sum over the workers', async t => {
  const board = createBoard(size)
  board.begin(0, last)
  board.begin(2, last)
  board.begin(2, 0)
  t.equal(board.inFlight(last), 2)
  board.end(2, last)
  t.equal(board.inFlight(last), 1)
  t.equal(board.inFlight(0), 1)
  t.equal(board.inFlight(1), 0)
})

t.test('wiping a worker forgets its requests and no other’s', async t => {
  const board = createBoard(size)
  board.begin(0, last)
  board.begin(1, last)
  board.begin(1, 0)
  board.wipe(1)
  t.equal(board.inFlight(last), 1)
  t.equal(board.inFlight(0), 0)
})

t.test('all threads see one board', async t => {
  const board = createBoard(size)
  const body = `
    const board = exports.createBoard(data.size, data.buffer)
    for (let round = 0; round < 1000; round++) { board.begin(data.worker, 7); board.begin(data.worker, 8); board.end(data.worker, 8) }
    post('done')`
  const threads = [0, 1, 2].map(worker =>
    startThread(t, 'board.ts', body, { buffer: board.buffer, size, worker })
  )
  await Promise.all(threads.map(thread => thread.message()))
  t.equal(board.inFlight(7), 3_000)
  t.equal(board.inFlight(8), 0)
})

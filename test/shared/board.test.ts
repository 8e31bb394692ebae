import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { createBoard } from '../../src/shared/board.ts'

const size = { workers: 3, masters: 2 }

t.test('what is in flight at a master is the sum over the workers', async t => {
  const board = createBoard(size)
  board.begin(0, 1)
  board.begin(2, 1)
  board.begin(2, 0)
  t.equal(board.inFlight(1), 2)
  board.end(2, 1)
  t.equal(board.inFlight(1), 1)
  t.equal(board.inFlight(0), 1)
})

t.test('wiping a worker forgets its requests and no other’s', async t => {
  const board = createBoard(size)
  board.begin(0, 0)
  board.begin(1, 0)
  board.wipe(1)
  t.equal(board.inFlight(0), 1)
})

t.test('threads see one board and never share a ticket', async t => {
  const board = createBoard(size)
  const url = new URL('../../src/shared/board.ts', import.meta.url).href
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(${JSON.stringify(url)}).then(({ createBoard }) => {
      const board = createBoard(${JSON.stringify(size)}, workerData.buffer)
      board.begin(workerData.worker, 0)
      parentPort.postMessage(Array.from({ length: 1000 }, () => board.nextTicket()))
    })`
  const tickets = await Promise.all(
    [0, 1, 2].map(async worker => {
      const thread = new Worker(script, { eval: true, workerData: { buffer: board.buffer, worker } })
      t.teardown(() => thread.terminate())
      return (await once(thread, 'message'))[0] as number[]
    })
  )
  t.equal(board.inFlight(0), 3)
  t.equal(new Set(tickets.flat()).size, 3000)
  t.equal(board.nextTicket(), 3000)
})

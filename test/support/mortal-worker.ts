import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Counter, Registry } from 'prom-client'
import type { Order, PlaneStart, Report } from '../../src/model/messages.ts'
import { createBoard } from '../../src/shared/board.ts'

/**
 * A worker thread that only listens to orders. `revoked` kills it by an uncaught error; of those started on one
 * board, the second dies before it listens. Each `snapshot` is counted as one request.
 */
const start = workerData as PlaneStart
const port = parentPort as MessagePort
const board = createBoard({ workers: start.workers, masters: start.snapshot.masters.length + 1 }, start.board)
const tell = (report: Report) => port.postMessage(report)
if (board.nextTicket() === 1) throw new Error('died at birth')

const registry = new Registry()
const requests = new Counter({
  name: 'requests_total',
  help: 'x',
  labelNames: ['class'],
  registers: [registry]
})
port.on('message', (order: Order) => {
  if (order.type === 'revoked') throw new Error('died at work')
  if (order.type === 'snapshot') requests.inc({ class: 'other' })
  if (order.type === 'metrics') {
    void registry.getMetricsAsJSON().then(metrics => tell({ type: 'metrics', id: order.id, metrics }))
  }
})
board.begin(start.worker, 0)
tell({ type: 'listening', port: 8140 })

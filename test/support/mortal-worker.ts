import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Counter, Registry } from 'prom-client'
import type { Order, PlaneStart, Report } from '../../src/model/messages.ts'
import { createBoard } from '../../src/shared/board.ts'

/**
 * A worker thread that only listens to orders. It has one request open at seat 0 from the start, says that it goes by
 * each publication, counts each as one request, and cuts one request when it is drained, which an outcome follows. It
 * never answers a `why`.
 *
 * `ghosts-done` does to the worker whose number is `masterId` what `leftBeforeMs` says: see `fates`. In the memory for
 * turns lie how many were born on it, and which birth fails.
 */
export const fates = { die: 0, hang: 1, ignorePublications: 2 } as const

const start = workerData as PlaneStart | undefined
if (start) serve(start, parentPort as MessagePort)

function serve({ worker, workers, memory }: PlaneStart, port: MessagePort): void {
  const board = createBoard({ workers }, memory.board)
  const births = new Int32Array(memory.turns)
  const tell = (report: Report) => port.postMessage(report)
  if (Atomics.add(births, 0, 1) + 1 === births[1]) throw new Error('died at birth')

  const registry = new Registry()
  const requests = new Counter({
    name: 'requests_total',
    help: 'x',
    labelNames: ['class'],
    registers: [registry]
  })
  let takesPublications = true
  port.on('message', (order: Order) => {
    switch (order.type) {
      case 'publish':
        requests.inc({ class: 'other' })
        if (takesPublications) tell({ type: 'applied', version: order.publication.version })
        break
      case 'metrics':
        void registry.getMetricsAsJSON().then(metrics => tell({ type: 'metrics', id: order.id, metrics }))
        break
      case 'drain':
        tell({ type: 'drained', cut: 1 })
        tell({ type: 'outcome', outcome: { masterId: worker, result: 'connect-failed', cause: 'drained' } })
        break
      case 'ghosts-done':
        if (order.masterId !== worker) break
        if (order.leftBeforeMs === fates.die) throw new Error('died at work')
        if (order.leftBeforeMs === fates.ignorePublications) takesPublications = false
        while (order.leftBeforeMs === fates.hang);
    }
  })
  board.begin(worker, 0)
  tell({ type: 'listening', port: 8140 })
}

import t from 'tap'
import { createWorkers } from '../../src/control/planes.ts'
import type { Master } from '../../src/model/snapshot.ts'
import { createBoard } from '../../src/shared/board.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()

function start(t: { teardown: (task: () => unknown) => void }) {
  const [m1, ca] = masters({ m1: 1, ca: 1 }) as [Master, Master]
  const snapshot = { version: 1, ca, masters: [m1], tiers: [[m1]], finishing: [] }
  const { log, ...logged } = captureLog()
  const runtime = fakeRuntime()
  const board = createBoard({ workers: 1, masters: 2 })
  const workers = createWorkers({
    config: testConfig(pki, { ca: ca.url, masters: [m1] }, { listen: { workers: 1 } }),
    tables: { board: board.buffer, slots: new SharedArrayBuffer(8), pins: new SharedArrayBuffer(8) },
    log,
    runtime,
    entry: new URL('../support/mortal-worker.ts', import.meta.url),
    startHere: () => {},
    current: () => ({ snapshot, revoked: new Set() }),
    onOutcome: () => {},
    onDeath: board.wipe
  })
  t.teardown(() => workers.terminate())
  const requests = async () => {
    const counted = (await workers.metrics()) as readonly (readonly { values: { value: number }[] }[])[]
    return counted.flat().flatMap(metric => metric.values.map(each => each.value))
  }
  return {
    workers,
    board,
    logged,
    runtime,
    requests,
    die: () => workers.tell({ type: 'revoked', revoked: new Set() }),
    count: () => workers.tell({ type: 'snapshot', snapshot })
  }
}

t.test('a worker that dies is replaced, as often as it takes', async t => {
  const { workers, board, logged, runtime, die } = start(t)
  t.equal(await workers.start(), 8140)
  t.equal(workers.listening(), 1)
  t.equal(board.inFlight(0), 1)
  die()
  await logged.line({ msg: 'a worker thread died; it is replaced', cause: 'died at work' })
  t.equal(workers.listening(), 0)
  t.equal(board.inFlight(0), 0, 'what it had open is gone with it')
  await runtime.advance(999)
  t.notOk(
    logged.lines.some(line => String(line.cause).includes('birth')),
    'but not in a busy loop'
  )
  await runtime.advance(1)
  await logged.line({ msg: 'a worker thread cannot start; it is tried again', cause: 'Error: died at birth' })
  await runtime.advance(1000)
  await logged.line({ msg: 'a worker thread is replaced', worker: 0 })
  t.equal(workers.listening(), 1)
})

t.test('a worker that lived for a while is replaced at once', async t => {
  const { workers, logged, runtime, die } = start(t)
  await workers.start()
  await runtime.advance(1000)
  die()
  await logged.line({ msg: 'a worker thread died; it is replaced' })
  await runtime.advance(0)
  await logged.line({ cause: 'Error: died at birth' })
})

t.test('what the dead had counted stays in the sum, and takes no more room with each death', async t => {
  const { workers, logged, runtime, requests, die, count } = start(t)
  await workers.start()
  let deaths = 0
  for (const counted of [3, 5, 9]) {
    while ((await requests()).reduce((sum, value) => sum + value, 0) < counted) count()
    die()
    await logged.atLeast(++deaths, { msg: 'a worker thread died; it is replaced' })
    t.same(await requests(), [counted])
    await runtime.advance(1000)
    if (deaths === 1) {
      await logged.line({ msg: 'a worker thread cannot start; it is tried again' })
      await runtime.advance(1000)
    }
    await logged.atLeast(deaths, { msg: 'a worker thread is replaced' })
  }
})

t.test('a worker that does not answer, or dies over the question, knows nothing of a request', async t => {
  const { workers, logged, runtime, die } = start(t)
  await workers.start()
  const silent = workers.why('a-0-0')
  await runtime.advance(2000)
  t.equal(await silent, undefined)
  const last = workers.why('a-0-0')
  die()
  t.equal(await last, undefined)
  await logged.line({ msg: 'a worker thread died; it is replaced' })
})

import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import { createPlanes } from '../../src/control/planes.ts'
import type { Publication } from '../../src/model/messages.ts'
import { createBoard } from '../../src/shared/board.ts'
import { createHeartbeats } from '../../src/shared/heartbeats.ts'
import { captureLog } from '../support/log-lines.ts'
import { fates } from '../support/mortal-worker.ts'
import { fakeRuntime } from '../support/runtime.ts'

type Test = { teardown: (task: () => unknown) => void }

/** Planes in threads that do as they are told. `failingBirth`: which of those born does not live to listen. */
function setUp(t: Test, { workers = 1, failingBirth = 0 } = {}) {
  const { log, ...logged } = captureLog()
  const runtime = fakeRuntime()
  const events = createEventLog(runtime.wallClock)
  const board = createBoard({ workers })
  const turns = new SharedArrayBuffer(8)
  new Int32Array(turns)[1] = failingBirth
  const none = new SharedArrayBuffer(8)
  const heartbeats = createHeartbeats({ workers })
  let version = 0
  const publicationOf = (version: number) => ({ version, snapshot: {}, settings: {}, revoked: new Set() })
  const heard = Promise.withResolvers<void>()
  const scene = { starts: 0, beforeDeathIsOver: async () => {} }
  const planes = createPlanes({
    boot: {
      listen: { host: '127.0.0.1', port: 0, workers },
      admin: {
        host: '127.0.0.1',
        port: 0,
        hosts: [],
        token: undefined,
        metricsToken: false,
        socket: undefined
      }
    },
    memory: {
      board: board.buffer,
      slots: none,
      pins: none,
      turns,
      bodies: none,
      arrivals: new SharedArrayBuffer(1024),
      returns: none,
      results: none,
      compileTimes: none,
      connections: { counts: none, addresses: none, certnames: none },
      heartbeats: heartbeats.buffer,
      seed: 1
    },
    descriptors: 1_000,
    log,
    events,
    runtime,
    takeLog: () => {},
    entry: new URL('../support/mortal-worker.ts', import.meta.url),
    startHere: () => Promise.reject(new Error('not here')),
    current() {
      scene.starts++
      return publicationOf(version) as unknown as Required<Publication>
    },
    onCaDocumentRead: () => {},
    onRuns: () => {},
    onCode: () => {},
    onOutcome: () => heard.resolve(),
    async onDeath(worker) {
      await scene.beforeDeathIsOver()
      board.wipe(worker)
    }
  })
  t.teardown(() => planes.terminate())
  const fate = (worker: number, leftBeforeMs: number) =>
    planes.tell({ type: 'ghosts-done', masterId: worker, leftBeforeMs })
  return {
    ...{ planes, board, heartbeats, logged, runtime, events, scene },
    /** Once a plane has told of an outcome. */
    heard: heard.promise,
    async requests() {
      const counted = (await planes.metrics()) as readonly (readonly { values: { value: number }[] }[])[]
      return counted.flat().flatMap(metric => metric.values.map(each => each.value))
    },
    publish() {
      planes.tell({ type: 'publish', publication: { version: ++version } })
      return version
    },
    die: (worker = 0) => fate(worker, fates.die),
    hang: (worker = 0) => fate(worker, fates.hang),
    ignorePublications: (worker = 0) => fate(worker, fates.ignorePublications)
  }
}

const died = { msg: 'a worker thread died; it is replaced' }
const replaced = { msg: 'a worker thread is replaced' }

t.test('a worker that dies is replaced, as often as it takes', async t => {
  const { planes, board, logged, runtime, events, die } = setUp(t, { failingBirth: 2 })
  t.equal(await planes.start(), 8140)
  t.equal(planes.listening(), 1)
  t.equal(board.inFlight(0), 1)
  die()
  await logged.line({ ...died, cause: 'died at work' })
  t.match(events.recent(), [{ kind: 'worker-died', text: 'worker 0 died: died at work' }])
  t.equal(planes.listening(), 0)
  await runtime.advance(999)
  t.equal(board.inFlight(0), 0, 'what it had open is gone with it')
  t.notOk(
    logged.lines.some(line => String(line.cause).includes('birth')),
    'but not in a busy loop'
  )
  await runtime.advance(1)
  await logged.line({ msg: 'a worker thread cannot start; it is tried again', cause: 'Error: died at birth' })
  await runtime.advance(1000)
  await logged.line({ ...replaced, worker: 0 })
  t.equal(planes.listening(), 1)
})

t.test('one that hangs for a minute while another turns is ended and replaced', async t => {
  const { planes, board, heartbeats, logged, runtime, hang } = setUp(t, { workers: 2 })
  await planes.start()
  hang(1)
  for (let look = 0; look < 14; look++) {
    heartbeats.beat(0)
    await runtime.advance(5_000)
  }
  await logged.line({ msg: 'a worker thread hangs; it is ended', worker: 1, hungMs: 60_000 })
  await logged.line({ ...died, worker: 1, cause: 'it hung and was ended' })
  await runtime.advance(0)
  await logged.line({ ...replaced, worker: 1 })
  t.equal(planes.listening(), 2)
  t.equal(board.inFlight(0), 2, 'and what it had open is gone with it')
  t.notOk(logged.lines.some(line => line.worker === 0))
})

t.test('one that lived for a while is replaced at once, that is when all it held is free', async t => {
  const { planes, logged, runtime, scene, die } = setUp(t)
  const over = Promise.withResolvers<void>()
  scene.beforeDeathIsOver = () => over.promise
  await planes.start()
  await runtime.advance(1000)
  die()
  await logged.line(died)
  await runtime.advance(60_000)
  t.equal(scene.starts, 1)
  over.resolve()
  await runtime.advance(0)
  await runtime.advance(0)
  await logged.line(replaced)
})

t.test('what the dead had counted stays in the sum, and takes no more room with each death', async t => {
  const { planes, logged, runtime, requests, die, publish } = setUp(t)
  await planes.start()
  let deaths = 0
  for (const counted of [3, 5, 9]) {
    while ((await requests()).reduce((sum, value) => sum + value, 0) < counted) publish()
    die()
    await logged.atLeast(++deaths, died)
    t.same(await requests(), [counted])
    await runtime.advance(1000)
    await logged.atLeast(deaths, replaced)
  }
})

t.test('a worker that does not answer, or dies over the question, knows nothing of a request', async t => {
  const { planes, logged, runtime, die } = setUp(t)
  await planes.start()
  const silent = planes.why('a-0-0')
  await runtime.advance(2000)
  t.equal(await silent, undefined)
  const last = planes.why('a-0-0')
  die()
  t.equal(await last, undefined)
  await logged.line(died)
})

t.test('when a worker cannot start, neither can the balancer, and the reason is told', async t => {
  const { planes } = setUp(t, { workers: 2, failingBirth: 2 })
  await t.rejects(planes.start(), { message: 'died at birth' })
})

t.test('a version is applied when every plane goes by it, or by a later one', async t => {
  const { planes, publish, ignorePublications, logged, runtime, die } = setUp(t, { workers: 2 })
  await planes.start()
  await planes.whenApplied(0)
  const first = publish()
  publish()
  await planes.whenApplied(first)
  ignorePublications(1)
  let isApplied = false
  const applied = planes.whenApplied(publish()).then(() => {
    isApplied = true
  })
  // The answer of worker 1 comes after all that it was told before.
  await planes.metrics()
  t.notOk(isApplied, 'one of them does not say so')
  die(1)
  await applied
  t.pass('one that dies is not waited for')
  await logged.line(died)
  const meanwhile = publish()
  await runtime.advance(1000)
  await logged.line(replaced)
  await planes.whenApplied(meanwhile)
  await planes.whenApplied(publish())
  t.pass('its successor goes by what is current when it starts, and follows what comes')
})

t.test('a drain sums what was cut, and one that dies over it cuts nothing and is not replaced', async t => {
  const { planes, runtime, scene, die } = setUp(t, { workers: 2 })
  await planes.start()
  die(1)
  t.equal(await planes.drain(10_000), 1)
  await runtime.advance(60_000)
  t.equal(scene.starts, 2)
})

t.test('a worker that hangs does not make a drain wait for ever', async t => {
  const { planes, runtime, hang, heard, logged } = setUp(t, { workers: 2 })
  await planes.start()
  hang(1)
  const drained = planes.drain(10_000)
  await heard
  await runtime.advance(14_999)
  t.equal(planes.listening(), 2)
  await runtime.advance(1)
  t.equal(await drained, 1)
  await logged.line({ msg: 'a worker thread is stuck; it is ended' })
  t.equal(planes.listening(), 1)
})

t.test('a worker that hangs is ended at once by a stop, and keeps no metrics waiting', async t => {
  const { planes, runtime, publish, requests, hang } = setUp(t)
  await planes.start()
  publish()
  while ((await requests()).length === 0);
  hang()
  const late = requests()
  await runtime.advance(2000)
  t.same(await late, [1], 'what it told last is told')
  await planes.terminate()
  t.equal(planes.listening(), 0)
})

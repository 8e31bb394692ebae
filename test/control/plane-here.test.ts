import type { MessagePort } from 'node:worker_threads'
import pino from 'pino'
import t from 'tap'
import { createPlanes, type PlanesOptions } from '../../src/control/planes.ts'
import type { Order, Outcome, PlaneStart, Report } from '../../src/model/messages.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** What a plane in this thread does: `orders` that come, reports by `tell`, and what `stop` and the start wait for. */
function setUp(startPlane?: (port: MessagePort) => Promise<void>) {
  const runtime = fakeRuntime()
  const orders: Order[] = []
  const outcomes: Outcome[] = []
  const deaths: number[] = []
  const stopped = Promise.withResolvers<void>()
  const scene = { stops: 0, tell: (_: Report) => {}, onOrder: (_: Order) => {} }
  const none = new SharedArrayBuffer(8)
  const planes = createPlanes({
    boot: { listen: { host: '127.0.0.1', port: 0, workers: 0 } } as PlaneStart['boot'],
    memory: {
      board: none,
      slots: none,
      pins: none,
      turns: none,
      bodies: none,
      arrivals: new SharedArrayBuffer(1024),
      returns: none,
      results: none,
      compileTimes: none,
      connections: { counts: none, addresses: none, certnames: none },
      heartbeats: none,
      seed: 1
    },
    descriptors: 1_000,
    log: pino({ level: 'silent' }),
    events: { add() {} },
    runtime,
    takeLog: () => {},
    entry: new URL('file:///nowhere'),
    async startHere(_, port) {
      scene.tell = report => port.postMessage(report)
      port.on('message', (order: Order) => {
        orders.push(order)
        scene.onOrder(order)
      })
      await startPlane?.(port)
      if (!startPlane) scene.tell({ type: 'listening', port: 8140 })
      return {
        stop() {
          scene.stops++
          return stopped.promise
        }
      }
    },
    current: () => ({ version: 0 }) as ReturnType<PlanesOptions['current']>,
    onCaDocumentRead: () => {},
    onRuns: () => {},
    onCode: () => {},
    onOutcome: outcome => outcomes.push(outcome),
    onDeath: async worker => void deaths.push(worker)
  })
  t.teardown(() => {
    stopped.resolve()
    return planes.terminate()
  })
  return { planes, runtime, scene, orders, outcomes, deaths, stopped }
}

t.test('without workers a plane serves from this thread, and hears and tells as any other', async t => {
  const { planes, scene, orders, outcomes } = setUp()
  t.equal(await planes.start(), 8140)
  t.equal(planes.listening(), 1)
  const outcome: Outcome = { masterId: 7, result: 'connect-failed', cause: 'ECONNREFUSED' }
  scene.onOrder = order => {
    scene.tell({ type: 'outcome', outcome })
    if (order.type === 'publish') scene.tell({ type: 'applied', version: order.publication.version })
  }
  planes.tell({ type: 'publish', publication: { version: 3 } })
  await planes.whenApplied(3)
  t.same(orders, [{ type: 'publish', publication: { version: 3 } }])
  t.same(outcomes, [outcome])
})

t.test('a stop is over when the plane has stopped, and no sooner', async t => {
  const { planes, runtime, scene, stopped } = setUp()
  await planes.start()
  let isOver = false
  const over = planes.terminate().then(() => {
    isOver = true
  })
  await runtime.advance(60_000)
  t.equal(scene.stops, 1)
  t.notOk(isOver)
  stopped.resolve()
  await over
})

t.test('a plane that cannot start says why, with the code, and leaves nothing to stop', async t => {
  const { planes, scene, deaths } = setUp(async () => {
    throw Object.assign(new Error('no certificate'), { code: 'ERR_OSSL' })
  })
  await t.rejects(planes.start(), { message: 'no certificate', code: 'ERR_OSSL' })
  await planes.terminate()
  t.equal(scene.stops, 0)
  t.same(deaths, [0], 'what it held is freed all the same')
})

t.test('a plane that cannot listen says why, and is stopped', async t => {
  const { planes, scene, stopped, runtime } = setUp(async port =>
    port.postMessage({ type: 'failed', message: 'address in use', code: 'EADDRINUSE' } satisfies Report)
  )
  const failed = t.rejects(planes.start(), { message: 'address in use', code: 'EADDRINUSE' })
  while (scene.stops === 0) await runtime.advance(0)
  stopped.resolve()
  await failed
  t.equal(planes.listening(), 0)
})

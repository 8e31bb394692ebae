import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import pino from 'pino'
import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import { createLine } from '../../src/control/master-watch/line.ts'
import { watchMaster } from '../../src/control/master-watch/watch-master.ts'
import type { Master } from '../../src/model/master.ts'
import { createArrivals } from '../../src/shared/arrivals.ts'
import { createRoute } from '../../src/upstream/route.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { masters } from '../support/masters.ts'
import { type FakeRuntime, fakeRuntime } from '../support/runtime.ts'
import { jrubyMetrics } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const { settings } = testConfig(pki, { ca: 'http://127.0.0.1:1', masters: [] })
const { upstream } = settings
const health = { ...settings.health, intervalMs: 5_000, timeoutMs: 3_000, rise: 2, fall: 3 }
const running: RequestListener = ({ url }, response) =>
  response.end(url?.startsWith('/status/v1/simple') ? 'running' : jrubyMetrics(2))

/** A master that counts its connections and keeps them, as Jetty does. */
async function startMaster(t: Test, listener: RequestListener = running) {
  const server = createServer({ keepAliveTimeout: 0 }, listener)
  const sockets = new Set<Socket>()
  const scene = { url: '', connects: 0, sockets }
  server.on('connection', socket => {
    scene.connects++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scene.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return scene
}

function lineTo(t: Test, origin: string, runtime: FakeRuntime = fakeRuntime(), settings = () => upstream) {
  const route = createRoute(() => ['127.0.0.1'])
  const line = createLine({ origin, timeoutMs: () => 3_000, upstream: settings, route, runtime, heard() {} })
  t.teardown(line.close)
  return { runtime, ask: (isFresh = false) => line.ask('/status/v1/simple', isFresh) }
}

t.test('a connection is kept, and a new one made when that is asked for, which is kept then', async t => {
  const master = await startMaster(t)
  const { ask } = lineTo(t, master.url)
  for (const _ of [1, 2, 3]) await ask()
  t.equal(master.connects, 1)
  await ask(true)
  await ask()
  t.equal(master.connects, 2)
})

t.test('two questions at once share it, one after the other', async t => {
  const master = await startMaster(t)
  const { ask } = lineTo(t, master.url)
  await Promise.all([ask(), ask()])
  t.equal(master.connects, 1)
})

t.test('a question that takes long does not keep the next one waiting for it', async t => {
  const asked = Promise.withResolvers<void>()
  let count = 0
  const master = await startMaster(t, (_request, response) => {
    if (count++ > 0) response.end('running')
    else asked.resolve()
  })
  const { ask, runtime } = lineTo(t, master.url)
  const first = ask().catch(error => error)
  await asked.promise
  const second = ask()
  await runtime.advance(500)
  t.match(await second, { body: 'running' })
  await runtime.advance(3_000)
  t.match(await first, { isSlow: true })
  t.equal(master.connects, 2)
})

for (const how of ['closes', 'resets'] as const)
  t.test(`that the master ${how} the idle connection is no failure`, async t => {
    const master = await startMaster(t)
    const { ask } = lineTo(t, master.url)
    await ask()
    for (const socket of master.sockets) {
      if (how === 'closes') socket.end()
      else socket.resetAndDestroy()
    }
    t.same(await ask(), { status: 200, body: 'running' })
    t.equal(master.connects, 2)
  })

t.test('a master that lets nobody keep a connection is asked on new ones', async t => {
  const master = await startMaster(t, (_request, response) =>
    response.writeHead(200, { connection: 'close' }).end('running')
  )
  const { ask } = lineTo(t, master.url)
  for (const _ of [1, 2]) t.equal((await ask()).status, 200)
  t.equal(master.connects, 2)
})

t.test('when a reload changes how masters are connected to, that is done at once', async t => {
  const master = await startMaster(t)
  let now = upstream
  const { ask } = lineTo(t, master.url, fakeRuntime(), () => now)
  await ask()
  now = { ...upstream, tls: { ...upstream.tls } }
  await ask()
  t.equal(master.connects, 1, 'nothing has changed')
  now = { ...upstream, tls: { ...upstream.tls, serverName: 'other.example.com' } }
  await ask()
  t.equal(master.connects, 2)
})

t.test('a watch connects anew every third round, and asks about JRubies on the same connection', async t => {
  const master = await startMaster(t)
  const [first] = masters({ m1: { url: master.url } }) as [Master]
  const runtime = { ...fakeRuntime(), random: () => 0.5 }
  const rounds = countRounds(runtime)
  const watch = watchMaster({
    first,
    member: () => first,
    settings: () => ({ health, upstream }),
    slots: { taken: () => 0, ghosts: () => 0 },
    arrivals: createArrivals(),
    heldElsewhere: () => 0,
    isRaw: () => false,
    results: { total: () => 0 },
    ejected() {},
    isExcused: () => false,
    changed() {},
    failed() {},
    ghostsDone() {},
    runtime: rounds.runtime,
    log: pino({ level: 'silent' }),
    events: createEventLog(runtime.wallClock)
  })
  t.teardown(watch.stop)
  await watch.start()
  const { connects } = master
  for (let round = 0; round < 9; round++) await rounds.next()
  t.equal(watch.state(), 'up')
  t.ok(master.connects - connects <= 4, `${master.connects - connects} connects in 9 rounds of two questions`)
  t.ok(master.connects - connects >= 3, 'accepting is tried again and again')
})

/** Rounds of a watch that asks two things, each an interval after its last answer. */
function countRounds(runtime: FakeRuntime) {
  let asked = 0
  let look = () => {}
  return {
    runtime: {
      ...runtime,
      schedule(delayMs: number, task: () => void) {
        if (delayMs > health.timeoutMs) {
          asked++
          look()
        }
        return runtime.schedule(delayMs, task)
      }
    },
    async next() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const until = asked + 2
      look = () => {
        if (asked >= until) resolve()
      }
      await runtime.advance(health.intervalMs)
      await promise
    }
  }
}

t.test('while this machine stood still nobody could be heard, and nobody is blamed', async t => {
  for (const how of ['its timers ran late', 'its clock jumped'] as const) {
    const asked = Promise.withResolvers<void>()
    const master = await startMaster(t, () => asked.resolve())
    const runtime = fakeRuntime()
    let jumpMs = 0
    let lateMs = 0
    const still = {
      ...runtime,
      wallClock: () => runtime.wallClock() + jumpMs,
      now: () => runtime.now() + lateMs
    }
    const answer = lineTo(t, master.url, still)
      .ask()
      .catch(error => error)
    await asked.promise
    if (how === 'its clock jumped') jumpMs = 60_000
    else lateMs = 60_000
    await runtime.advance(3_000)
    t.match(await answer, { isOwnFault: true, isSlow: false, isLate: false, why: { kind: 'own-fault' } }, how)
  }
})

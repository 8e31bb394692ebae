import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import pino from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { createTcpFront } from '../../src/data/tcp/front.ts'
import type { Settings } from '../../src/model/settings.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createArrivals } from '../../src/shared/arrivals.ts'
import { createResultTable } from '../../src/shared/results.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { createStarvation } from '../support/starvation.ts'

type Test = { teardown: (task: () => unknown) => void }

async function listen(t: Test, take: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    t.teardown(() => socket.destroy())
    take(socket)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** The front of one listener, with one master that does with connections what `script` says. */
async function setUp(t: Test, script: (socket: Socket) => void, hasDescriptor = true) {
  const url = `https://127.0.0.1:${await listen(t, script)}`
  const [master] = masters({ raw1: { url, pools: ['raw'] } })
  if (!master) throw new Error('no master')
  const pools = [{ name: 'raw', queue: 1, tiers: [[master]], isUp: true }]
  const [arrivals, results, runtime] = [createArrivals(), createResultTable(), fakeRuntime()]
  const metrics = createTrafficMetrics(new Registry())
  const front = createTcpFront({
    ...{ worker: 0, arrivals, results, runtime, report() {}, firstByteMs: 20_000 },
    board: { inFlight: () => 0, elsewhere: () => 0, begin() {}, end() {} },
    connections: { count() {} },
    entrance: { place() {}, leave: () => true },
    reception: { refusedAsNoTls() {}, receive: (_, make, proceed) => proceed(make('127.0.0.1'), undefined) },
    descriptors: { take: () => hasDescriptor, giveBack() {} },
    metrics,
    settings: () =>
      ({
        listen: { tcp: [{ port: 8141, pool: 'raw', proxyProtocol: undefined }] },
        upstream: { connectTimeoutMs: 5_000, responseTimeoutMs: 60_000 },
        log: { access: false }
      }) as unknown as Settings,
    snapshot: () => ({ masters: [master], tiers: [[master]], pools }) as unknown as Snapshot,
    log: pino({ level: 'silent' })
  })
  const accepted = Promise.withResolvers<void>()
  const port = await listen(t, socket => {
    front.accept(socket, 8141)
    accepted.resolve()
  })
  const agent = createConnection(port, '127.0.0.1')
  agent.on('error', () => {})
  t.teardown(() => agent.destroy())
  await accepted.promise
  return {
    front,
    agent,
    runtime,
    arrivals: () => arrivals.count(0),
    done: () => results.total(0, 'answered'),
    ends: async () => (await metrics.tcpConnectionsTotal.get()).values.map(({ labels }) => labels.end)
  }
}

t.test('a master that says something has done well, once for each connection, and is not frozen', async t => {
  const { agent, arrivals, done } = await setUp(t, socket => socket.pipe(socket))
  for (const word of ['one', 'two']) {
    agent.write(word)
    await once(agent, 'data')
  }
  t.equal(done(), 1)
  t.ok(arrivals() >= 2)
})

t.test('one that takes a connection and says nothing may well be frozen', async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { agent, arrivals, done } = await setUp(t, socket => void socket.once('data', () => resolve()))
  agent.write('one')
  await promise
  t.equal(done(), 0)
  t.equal(arrivals(), 0)
})

t.test('when it drains, who says nothing for five seconds more is let go', async t => {
  const { front, agent, runtime } = await setUp(t, () => {})
  agent.resume()
  const closed = once(agent, 'close')
  const drained = front.drain(60_000)
  await runtime.advance(4_999)
  t.notOk(agent.destroyed)
  await runtime.advance(1)
  t.equal(await drained, 0)
  await closed
})

t.test('what the balancer itself lacks is told as its own fault, and no master is blamed', async t => {
  const { agent, ends } = await setUp(t, () => {}, false)
  agent.write('one')
  await once(agent.resume(), 'close')
  t.same(await ends(), ['own-fault'])
})

t.test('so is a connect that the system has no descriptor for', async t => {
  const { agent, ends } = await setUp(t, () => {})
  const starvation = createStarvation(t)
  await starvation.begin()
  agent.write('one')
  await once(agent.resume(), 'close')
  await starvation.end()
  t.same(await ends(), ['own-fault'])
})

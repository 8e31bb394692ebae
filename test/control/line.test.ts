import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import t from 'tap'
import { createLine } from '../../src/control/master-watch/line.ts'
import { NoAnswer } from '../../src/control/master-watch/no-answer.ts'
import { createRoute } from '../../src/upstream/route.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { createStarvation } from '../support/starvation.ts'

type Test = { teardown: (task: () => unknown) => void }

const TIMEOUT_MS = 3_000
const pki = await createTestPki()
// Connecting alone may take as long as it likes: what ends it is the time for the whole inquiry.
const { upstream } = testConfig(
  pki,
  { ca: 'http://127.0.0.1:1', masters: [] },
  { upstream: { connectTimeoutMs: 600_000 } }
).settings

/** A listener that takes every connection and says only what `onData` says when it is first spoken to. */
async function startListener(t: Test, onData: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {}).once('data', () => onData(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return server
}

const originOf = (server: Server, scheme = 'http') =>
  `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`

function ask(origin: string, runtime = fakeRuntime(), addresses = ['127.0.0.1']) {
  const line = createLine({
    origin,
    timeoutMs: () => TIMEOUT_MS,
    upstream: () => upstream,
    route: createRoute(() => addresses),
    runtime,
    heard() {}
  })
  return line.ask('/status/v1/simple').finally(line.close)
}

t.test('one that answers is heard', async t => {
  const server = await startListener(t, socket =>
    socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\nConnection: close\r\n\r\nstarting')
  )
  t.same(await ask(originOf(server)), { status: 503, body: 'starting' })
})

t.test('one that takes the connection and stays silent is slow', async t => {
  const spoken = Promise.withResolvers<void>()
  const server = await startListener(t, () => spoken.resolve())
  const runtime = fakeRuntime()
  const answer = ask(originOf(server), runtime)
  answer.catch(() => {}) // It is judged below.
  await spoken.promise
  await runtime.advance(TIMEOUT_MS - 1)
  let isOver = false
  answer.catch(() => {
    isOver = true
  })
  await runtime.advance(0)
  t.notOk(isOver, 'not before its time is over')
  await runtime.advance(1)
  const error = await answer.catch(error => error)
  t.ok(error instanceof NoAnswer)
  t.match(error, { isSlow: true, why: { kind: 'timeout' } })
})

t.test('one that begins its answer and stays silent then is slow as well', async t => {
  const spoken = Promise.withResolvers<void>()
  const server = await startListener(t, socket => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nrun', () => spoken.resolve())
  })
  const runtime = fakeRuntime()
  const answer = ask(originOf(server), runtime).catch(error => error)
  await spoken.promise
  await runtime.advance(TIMEOUT_MS)
  t.match(await answer, { name: 'NoAnswer', isSlow: true })
})

t.test('one that never ends the handshake is given up in the same time, and is not slow', async t => {
  const spoken = Promise.withResolvers<void>()
  const server = await startListener(t, () => spoken.resolve())
  const runtime = fakeRuntime()
  const answer = ask(originOf(server, 'https'), runtime).catch(error => error)
  await spoken.promise
  await runtime.advance(TIMEOUT_MS)
  const error = await answer
  t.ok(error instanceof NoAnswer)
  t.match(error, { isSlow: false, why: { kind: 'handshake-timeout' } })
})

t.test('one that refuses the connection is not slow', async t => {
  const server = await startListener(t, () => {})
  const origin = originOf(server)
  server.close()
  await once(server, 'close')
  const error = await ask(origin).catch(error => error)
  t.ok(error instanceof NoAnswer)
  t.match(error, { isSlow: false, why: { kind: 'refused' } })
})

t.test('one that hangs up without an answer is not slow', async t => {
  const server = await startListener(t, socket => socket.destroy())
  const error = await ask(originOf(server)).catch(error => error)
  t.ok(error instanceof NoAnswer)
  t.match(error, { isSlow: false })
})

for (const host of ['127.0.0.1', 'localhost']) {
  t.test(`a process without descriptors blames itself, not ${host}`, async t => {
    const starvation = createStarvation(t)
    await starvation.begin()
    const error = await ask(`http://${host}:8140`).catch(error => error)
    await starvation.end()
    t.match(error, { isOwnFault: true, isSlow: false, message: 'EMFILE', why: { kind: 'own-fault' } })
  })
}

t.test('one that refuses connections, or has no address, is to blame itself', async t => {
  const gone = await startListener(t, () => {})
  const origin = originOf(gone)
  gone.close()
  await once(gone, 'close')
  t.match(await ask(origin).catch(error => error), { isOwnFault: false, why: { kind: 'refused' } })
  t.match(await ask(origin, fakeRuntime(), []).catch(error => error), {
    isOwnFault: false,
    why: { kind: 'dns' }
  })
})

t.test('a connection that was kept is not asked on when the master has moved', async t => {
  let addresses = ['127.0.0.2']
  const before = await startScriptedMaster(t, (_request, response) => response.end('before'), {
    host: '127.0.0.2'
  })
  const { port } = before
  await startScriptedMaster(t, (_request, response) => response.end('after'), { host: '127.0.0.3', port })
  const line = createLine({
    origin: `http://127.0.0.1:${port}`,
    timeoutMs: () => TIMEOUT_MS,
    upstream: () => upstream,
    route: createRoute(() => addresses),
    runtime: fakeRuntime(),
    heard() {}
  })
  t.teardown(() => line.close())
  t.match(await line.ask('/who'), { body: 'before' })
  addresses = ['127.0.0.2', '127.0.0.3']
  t.match(await line.ask('/who'), { body: 'before' })
  t.equal(before.seen.at(-1)?.connection, 0, 'one address more does not matter')
  addresses = ['127.0.0.3']
  t.match(await line.ask('/who'), { body: 'after' })
})

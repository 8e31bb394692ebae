import { once } from 'node:events'
import t from 'tap'
import { UNREAD_MS } from '../../src/data/http/back-pressure.ts'
import { createTestPki } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScene } from './support/scene.ts'

const MIB = 1024 ** 2
const HOUR_MS = 3_600_000
const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const overrides = { health: { intervalMs: HOUR_MS } }
const content = 'GET /puppet/v3/file_content/modules/a/large HTTP/1.1\r\nHost: puppet\r\n\r\n'

t.test('an agent that does not read its answer does not keep a connection of its master', async t => {
  const runtime = fakeRuntime()
  const paused = Promise.withResolvers<void>()
  const cut = Promise.withResolvers<void>()
  const { app, masters } = await startScene(t, {
    pki,
    overrides,
    options: { runtime },
    script(_request, response) {
      response.once('close', () => cut.resolve())
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
        paused.resolve()
      }
      response.on('drain', more)
      more()
    }
  })
  const agent = await connectRawAgent(t, pki, app.port, identity)
  agent.socket.pause()
  agent.send(content)
  await masters[0]?.until(({ seen }) => seen.length === 1)
  await paused.promise
  // Whatever the sockets between can hold is taken at some time, and then nothing more is.
  let isCut = false
  void cut.promise.then(() => {
    isCut = true
  })
  for (let count = 0; count < 50 && !isCut; count++) await runtime.advance(UNREAD_MS)
  t.ok(isCut)
  while ((await scrape(app.adminPort)).sum('puppet_lb_in_flight') > 0);
})

t.test('one that reads slowly is given all of it', async t => {
  const runtime = fakeRuntime()
  const bytes = 64 * MIB
  const { app } = await startScene(t, {
    pki,
    overrides,
    options: { runtime },
    script: (_request, response) => response.end(Buffer.alloc(bytes, 'x'))
  })
  const agent = await connectRawAgent(t, pki, app.port, identity)
  agent.send(content)
  let told = 0
  // It goes on reading while the clock moves, so there may be nothing left to wait for.
  const read = () => agent.socket.bytesRead
  while (read() < bytes) {
    // Less than the time in which something must be taken, again and again, with what sockets hold between.
    if (read() - told < 8 * MIB) await once(agent.socket, 'data')
    else {
      told = read()
      await runtime.advance(UNREAD_MS / 2)
    }
  }
  t.ok(read() >= bytes)
})

t.test(
  'one that reads none of the answers to what it sent ahead is cut, though each is all said',
  async t => {
    const runtime = fakeRuntime()
    const { log, line } = captureLog()
    // Each is written at once, and all together are more than the sockets between can hold.
    const { app } = await startScene(t, {
      pki,
      overrides,
      options: { runtime, log },
      script: (_request, response) => response.end(Buffer.alloc(8_192))
    })
    const agent = await connectRawAgent(t, pki, app.port, identity)
    agent.socket.pause()
    agent.send(content.repeat(2_000))
    let isCut = false
    void line({ end: 'unread' }).then(() => {
      isCut = true
    })
    while (!isCut) {
      await scrape(app.adminPort)
      await runtime.advance(UNREAD_MS)
    }
    t.equal((await scrape(app.adminPort)).sum('puppet_lb_in_flight'), 0)
  }
)

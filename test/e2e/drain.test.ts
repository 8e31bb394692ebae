import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const DRAIN_MS = 60_000
const GRACE_MS = 5_000
const LAST_WORD_MS = 2_000
const get = 'GET /puppet/v3/node/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** A balancer whose master holds catalogs until told, and a way to know that it drains. */
async function startScene(t: Test, { capacity = 4 } = {}) {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (request, response) => {
    if (!request.url?.includes('catalog')) response.end('{}')
    else held.push(response)
  })
  const runtime = fakeRuntime()
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url, capacity }] },
    { listen: { drainTimeoutMs: DRAIN_MS }, health: { intervalMs: 3_600_000 } }
  )
  const app = await startBalancer(t, config, { runtime, log })
  let connected = 0
  const agent = async () => {
    const identity = await pki.authority.issue({ certname: `agent${connected++}.example.com` })
    return connectRawAgent(t, pki, app.port, identity)
  }
  /** Resolves once draining has begun, which the next answer tells. */
  const drain = async () => {
    const witness = await agent()
    const cut = app.drain()
    for (;;) {
      witness.forget()
      // Answered by the balancer itself, however busy the master is.
      witness.send('GET /status/v1/simple HTTP/1.1\r\nHost: puppet\r\n\r\n')
      if (/connection: close/i.test(await witness.until('running'))) return { cut }
    }
  }
  return { app, master, held, runtime, logged, agent, drain }
}

const compile = 'GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n'

t.test('a compile that runs is waited for, and its answer is the last one of its connection', async t => {
  const { held, master, agent, drain, logged, app } = await startScene(t)
  const one = await agent()
  one.send(compile)
  await master.until(() => held.length === 1)
  const { cut } = await drain()
  held[0]?.end('{"catalog":1}')
  const answer = await one.end
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)?connection: close\r\n.*\{"catalog":1\}/is)
  t.equal(await cut, 0)
  t.match(await logged.line({ msg: 'request', class: 'catalog' }), { status: 200, end: 'complete' })
  await t.rejects(fetch(`http://127.0.0.1:${app.adminPort}/healthz`), 'then the admin listener is gone too')
})

t.test('so is one that waits for a JRuby yet', async t => {
  const { held, master, agent, drain, app } = await startScene(t, { capacity: 1 })
  const agents = [await agent(), await agent()]
  for (const one of agents) one.send(compile)
  await master.until(() => held.length === 1)
  const { cut } = await drain()
  t.equal((await scrape(app.adminPort)).sum('puppet_lb_queue_depth'), 1)
  held[0]?.end('{"catalog":1}')
  await master.until(() => held.length === 2)
  held[1]?.end('{"catalog":1}')
  for (const one of agents) t.match(await one.end, /^HTTP\/1\.1 200 OK\r\n.*\{"catalog":1\}/s)
  t.equal(await cut, 0)
})

t.test('nobody new is let in', async t => {
  const { app, held, master, agent, drain } = await startScene(t)
  const one = await agent()
  one.send(compile)
  await master.until(() => held.length === 1)
  const { cut } = await drain()
  await t.rejects(once(connect(app.port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
  const readiness = await fetch(`http://127.0.0.1:${app.adminPort}/readyz`)
  t.equal(readiness.status, 503)
  t.match(await readiness.text(), /stopping/)
  t.equal((await fetch(`http://127.0.0.1:${app.adminPort}/healthz`)).status, 200)
  held[0]?.end()
  await cut
})

t.test('an idle connection is kept for as long as its agent may come back to it', async t => {
  const { runtime, agent, drain } = await startScene(t)
  const [comesBack, staysAway] = [await agent(), await agent()]
  const { cut } = await drain()
  await runtime.advance(GRACE_MS - 1)
  comesBack.send(get)
  t.match(await comesBack.end, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)?connection: close\r\n/is)
  t.notOk(staysAway.socket.destroyed)
  await runtime.advance(1)
  t.equal(await staysAway.end, '')
  t.equal(await cut, 0)
})

t.test('a connection that has been idle for longer is closed at once', async t => {
  const { runtime, agent, drain } = await startScene(t)
  const one = await agent()
  one.send(get)
  await one.until('{}')
  await runtime.advance(GRACE_MS)
  const { cut } = await drain()
  await one.end
  t.equal(await cut, 0)
})

t.test('a connection whose answer had begun before is closed once it was idle', async t => {
  const { held, master, runtime, agent, drain } = await startScene(t)
  const one = await agent()
  one.send(compile)
  await master.until(() => held.length === 1)
  held[0]?.write('begin ')
  await one.until('begin ')
  const { cut } = await drain()
  await runtime.advance(GRACE_MS)
  held[0]?.end('end')
  t.match(await one.until('end\r\n0\r\n\r\n'), /connection: keep-alive/i)
  t.notOk(one.socket.destroyed)
  await runtime.advance(GRACE_MS)
  await one.end
  t.equal(await cut, 0)
})

t.test('what runs longer than drainTimeout is cut and counted', async t => {
  const { held, master, runtime, agent, drain, logged } = await startScene(t)
  const agents = [await agent(), await agent()]
  for (const one of agents) one.send(compile)
  await master.until(() => held.length === 2)
  const { cut } = await drain()
  await runtime.advance(DRAIN_MS - 1)
  t.notOk(agents.some(({ socket }) => socket.destroyed))
  await runtime.advance(1)
  t.same(await Promise.all(agents.map(one => one.end)), ['', ''])
  t.equal(await cut, 2)
  t.match(await logged.line({ msg: 'requests were cut at the end of the drain timeout' }), { cut: 2 })
})

t.test('who waits for masters that are away is told so before it would be cut', async t => {
  const { app, master, runtime, agent, drain } = await startScene(t)
  const one = await agent()
  const enrolling = connectAgent(t, pki, app.port)
  await master.kill()
  one.send(compile)
  const asked = enrolling.ask({ path: '/puppet-ca/v1/certificate/ca' })
  const waiting = async () => (await scrape(app.adminPort)).sum('puppet_lb_queue_depth')
  while ((await waiting()) !== 1);
  const { cut } = await drain()
  await runtime.advance(DRAIN_MS - LAST_WORD_MS)
  t.match(await one.end, /^HTTP\/1\.1 503 No Puppet master can .*connection: close\r\n/is)
  t.match(await asked, {
    status: 503,
    headers: { 'x-puppet-lb-reason': 'ca-unavailable', connection: 'close' }
  })
  await runtime.advance(GRACE_MS)
  t.equal(await cut, 0)
})

t.test('a connection whose handshake ends only now is not waited for until the deadline', async t => {
  const { app, held, master, runtime, agent, drain } = await startScene(t)
  const one = await agent()
  one.send(compile)
  await master.until(() => held.length === 1)
  const raw = connect(app.port, '127.0.0.1')
  t.teardown(() => raw.destroy())
  await once(raw, 'connect')
  // Accepted by the balancer for sure, once it has answered somebody who came later.
  const later = await agent()
  later.send(get)
  await later.until('{}')
  later.socket.destroy()
  const { cut } = await drain()
  const late = connectTls({ socket: raw, servername: 'puppet', ca: pki.authority.bundle })
  await once(late, 'secureConnect')
  const closed = once(late.resume(), 'close')
  held[0]?.end()
  await one.end
  await runtime.advance(GRACE_MS)
  await closed
  t.equal(await cut, 0)
})

t.test('with nothing to wait for it is over at once', async t => {
  const { app } = await startScene(t)
  const agent = connectAgent(t, pki, app.port)
  await agent.ask({ path: '/puppet/v3/node/a' })
  agent.close()
  t.equal(await app.drain(), 0)
})

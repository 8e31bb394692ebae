import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { probeRounds } from '../support/probe-rounds.ts'
import { startRawMaster } from '../support/raw-master.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()

/** A port nobody has just now, for a listener whose port must be known before it is there. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function look(adminPort: number, path: string) {
  const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`)
  return { status: answer.status, text: await answer.text() }
}

t.test(
  'until every master was probed once the balancer is alive, not ready, and closed to agents',
  async t => {
    const probed = Promise.withResolvers<ServerResponse>()
    const slow = await startScriptedMaster(t, (_request, response) => probed.resolve(response))
    const quick = await startScriptedMaster(t, (_request, response) => response.end('running'))
    const [port, adminPort] = [await freePort(), await freePort()]
    const config = testConfig(
      pki,
      {
        ca: quick.url,
        masters: [
          { name: 'quick', url: quick.url },
          { name: 'slow', url: slow.url }
        ]
      },
      // Not the path that such a master answers by itself.
      { listen: { port }, admin: { port: adminPort }, health: { path: '/status/v1/simple/server' } }
    )
    const starting = startBalancer(t, config)
    const probe = await probed.promise
    t.match(await look(adminPort, '/healthz'), { status: 200, text: 'ok\n' })
    t.match(await look(adminPort, '/readyz'), { status: 503, text: /first probe/ })
    await t.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
    probe.end('running')
    await starting
    t.match(await look(adminPort, '/readyz'), { status: 200, text: 'ready\n' })
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  }
)

t.test('it is ready while a master is up, and agents with a server_list hear the same', async t => {
  const health = { intervalMs: 700, timeoutMs: 500, rise: 1, fall: 2 }
  const runtime = probeRounds({ intervalMs: health.intervalMs, count: 3 })
  const ca = await startScriptedMaster(t, (_request, response) => response.end('ca says running'))
  const one = await startScriptedMaster(t, (_request, response) => response.end())
  const two = await startScriptedMaster(t, (_request, response) => response.end())
  const config = testConfig(
    pki,
    {
      ca: ca.url,
      masters: [
        { name: 'one', url: one.url },
        { name: 'two', url: two.url, priority: 1 }
      ]
    },
    { health }
  )
  const app = await startBalancer(t, config, { runtime })
  const agent = connectAgent(t, pki, app.port)
  const paths = ['/status/v1/simple', '/status/v1/simple/server', '/status/v1/simple/master']
  const headers = { 'x-puppet-version': '8.10.0' }

  async function hears(status: number, body: string): Promise<void> {
    for (const path of paths) {
      const answer = await agent.ask({ path, headers })
      t.match(answer, { status, body }, path)
      t.notOk('retry-after' in answer.headers, 'such an agent is to go on to its next server at once')
    }
    t.match(await agent.ask({ method: 'HEAD', path: '/status/v1/simple', headers }), { status, body: '' })
  }
  await hears(200, 'running')
  t.equal((await look(app.adminPort, '/readyz')).status, 200)

  await one.kill()
  for (let round = 0; round < health.fall; round++) await runtime.round()
  await hears(200, 'running')
  t.equal((await look(app.adminPort, '/readyz')).status, 200)

  await two.kill()
  for (let round = 0; round < health.fall; round++) await runtime.round()
  await hears(503, 'error')
  t.match(await look(app.adminPort, '/readyz'), { status: 503, text: /no master/ })
  t.match(await look(app.adminPort, '/healthz'), { status: 200 })

  await t.test('the CA’s state is the CA’s own to tell', async t => {
    t.match(await agent.ask({ path: '/status/v1/simple/ca' }), { status: 200, body: 'ca says running' })
    t.same(
      ca.seen.map(seen => seen.url),
      ['/status/v1/simple/ca']
    )
  })
  await t.test('a master that is back makes it ready again', async t => {
    await startScriptedMaster(t, (_request, response) => response.end(), { port: two.port })
    await runtime.round()
    await hears(200, 'running')
    t.equal((await look(app.adminPort, '/readyz')).status, 200)
  })
})

for (const [what, answer] of Object.entries({
  'starts and says so':
    'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\nConnection: close\r\n\r\nstarting',
  'is in error': 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\nerror',
  'says something else': 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nunknown'
})) {
  t.test(`a master that ${what} is given no work`, async t => {
    // A raw master passes the default health check only.
    const master = await startRawMaster(t, ({ socket }) => socket.end(answer))
    const config = testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { health: { path: '/status/v1/simple/server' } }
    )
    const app = await startBalancer(t, config)
    t.match(await look(app.adminPort, '/readyz'), { status: 503, text: /no master/ })
    const { status, headers } = await connectAgent(t, pki, app.port).ask({
      path: '/puppet/v3/node/a',
      headers: { 'x-puppet-version': '8.10.0' }
    })
    t.equal(status, 503)
    t.equal(headers['x-puppet-lb-reason'], 'no-master')
  })
}

t.test('with drainDelay readiness fails first, and whoever comes in the meantime is served', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const runtime = fakeRuntime()
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { listen: { drainDelayMs: 10_000 }, health: { intervalMs: 3_600_000 } }
  )
  const app = await startBalancer(t, config, { runtime })
  const drained = app.drain()
  t.match(await look(app.adminPort, '/readyz'), { status: 503, text: 'stopping\n' })
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'a.example.com' }))
  const answer = await agent.ask({ path: '/puppet/v3/node/a.example.com' })
  t.match(answer, { status: 200, headers: { connection: 'keep-alive' } })
  agent.close()
  await runtime.advance(10_000)
  t.equal(await drained, 0)
  await t.rejects(once(connect(app.port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
})

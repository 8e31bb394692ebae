import { once } from 'node:events'
import type { ConnectionOptions } from 'node:tls'
import t, { type Test } from 'tap'
import type { Config, Settings } from '../../src/model/settings.ts'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { createTestPki, type startBalancer } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { flood } from './support/flood.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

type Limits = Settings['listen']['limits']

const pki = await createTestPki()
const [agent, other] = await Promise.all([
  pki.authority.issue({ certname: 'agent1' }),
  pki.authority.issue({ certname: 'agent2' })
])
const node = 'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n'
const enrol = 'GET /puppet-ca/v1/certificate/ca HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** A balancer with these limits, in this process. */
async function setUp(t: Test, limits: Partial<Limits>, options: Parameters<typeof startBalancer>[2] = {}) {
  const log = captureLog()
  let config: Config | undefined
  const scene = await startScene(t, {
    pki,
    overrides: { listen: { limits }, health: { intervalMs: 3_600_000 } },
    options: { ...options, log: log.log, load: () => config as Config },
    // The CA and the master hold what is asked for here until the end.
    script: (request, response) => {
      if (request.url !== '/puppet/v3/node/held') response.end('served')
    }
  })
  const from = (address: string) => ({ localAddress: address }) as ConnectionOptions
  const connect = (identity?: IssuedCertificate, address = '127.0.0.1') =>
    connectRaw(t, pki, scene.app.port, identity, from(address))
  return {
    scene,
    log,
    connect,
    async reload(next: Partial<Limits>) {
      const { settings } = scene.config
      const listen = { ...settings.listen, limits: { ...settings.listen.limits, ...next } }
      config = { ...scene.config, settings: { ...settings, listen } }
      t.match(await scene.app.reload(), { ok: true })
    },
    /** With TLS 1.3 the client is done before the balancer has seen its certificate; with an answer, both are. */
    async enter(identity: IssuedCertificate, address?: string) {
      const raw = await connect(identity, address)
      t.equal((await raw.ask(node)).status, 200)
      return raw
    },
    refusals: async (limit: string) =>
      (await scrape(scene.app.adminPort)).value('puppet_lb_limit_refusals_total', { limit })
  }
}

t.test('above the limit the stranger that was idle for longest makes room', async t => {
  const { connect, enter, refusals } = await setUp(t, { connections: 3 })
  const enrolled = await enter(agent)
  const [first, second] = [await connect(), await connect()]
  await first.ask(enrol)
  await enter(other)
  await second.untilClosed()
  t.equal((await first.ask(enrol)).status, 200, 'one that spoke since stays')
  t.equal((await enrolled.ask(node)).status, 200)
  t.equal(await refusals('connections'), undefined)
})

t.test('with nobody to make room a newcomer is refused before its handshake, and told of once', async t => {
  const { connect, enter, refusals, log } = await setUp(t, { connections: 2 })
  const [first, second] = [await enter(agent), await enter(other)]
  for (let times = 0; times < 5; times++) await t.rejects(connect(), { code: 'ECONNRESET' })
  t.equal(await refusals('connections'), 5)
  const told = log.lines.filter(({ msg }) => msg.startsWith('connections are refused'))
  t.match(told, [{ limit: 'connections', refused: 1, level: 'warn' }])
  t.equal(told.length, 1)
  t.equal((await first.ask(node)).status, 200)
  second.socket.destroy()
  await once(second.socket, 'close')
  // The balancer hears of it in its own time, which the next request on another connection follows.
  await first.ask(node)
  await enter(other)
})

t.test('a stranger with a request under way is not closed for another', async t => {
  const { connect, scene } = await setUp(t, { connections: 1 }, { runtime: fakeRuntime() })
  const busy = await connect()
  busy.send(
    'PUT /puppet-ca/v1/certificate_request/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: 10\r\n\r\n12345'
  )
  await scene.ca.until(({ seen }) => seen.length === 1)
  await t.rejects(connect(agent), { code: 'ECONNRESET' })
  const answer = await busy.ask('67890')
  t.equal(answer.body, 'from the CA')
})

t.test('one whose request takes long makes room, before anybody who has only just come', async t => {
  const runtime = fakeRuntime()
  const { connect, enter, scene, log } = await setUp(t, { connections: 2 }, { runtime })
  const slow = await connect()
  slow.send(node.replace('/x', '/held'))
  await scene.masters[0]?.until(({ seen }) => seen.length === 1)
  await runtime.advance(1_000)
  const idle = await connect()
  await enter(agent)
  t.equal(await slow.untilClosed(), '')
  await log.line({ msg: 'request', end: 'made-room' })
  t.equal((await idle.ask(enrol)).status, 200)
})

t.test('one address has its own limit, and makes room for itself alone', async t => {
  const { connect, enter, refusals } = await setUp(t, { perAddress: 2 })
  const elsewhere = await connect(undefined, '127.0.0.2')
  const [first, second] = [await connect(), await enter(agent)]
  const third = await enter(agent)
  await first.untilClosed()
  await t.rejects(connect(), { code: 'ECONNRESET' })
  t.equal(await refusals('perAddress'), 1)
  t.equal((await elsewhere.ask(enrol)).status, 200)
  await enter(agent, '127.0.0.2')
  for (const each of [second, third]) t.equal((await each.ask(node)).status, 200)
})

t.test('one certname beyond its limit is told so, and others are served', async t => {
  const { connect, enter, refusals } = await setUp(t, { perCertname: 2 })
  const [first] = [await enter(agent), await enter(agent)]
  const beyond = await connect(agent)
  const refusal = await beyond.ask(node)
  t.equal(refusal.status, 429)
  t.match(refusal.body, /^This certname has too many connections/)
  await beyond.untilClosed()
  t.equal(await refusals('perCertname'), 1)
  await enter(other)
  t.equal((await first?.ask(node))?.status, 200)
})

t.test('a connection beyond the limit of its certname is served once others of it have closed', async t => {
  const { connect, enter } = await setUp(t, { perCertname: 1 })
  const first = await enter(agent)
  const second = await connect(agent)
  first.socket.destroy()
  await once(first.socket, 'close')
  await enter(other)
  t.equal((await second.ask(node)).status, 200)
})

t.test('a reload changes the limits for connections to come', async t => {
  const { connect, enter, reload } = await setUp(t, { connections: 1 })
  const first = await enter(agent)
  await t.rejects(connect(), { code: 'ECONNRESET' })
  await reload({ connections: 2 })
  const second = await enter(other)
  await reload({ connections: 1 })
  await t.rejects(connect(), { code: 'ECONNRESET' })
  for (const each of [first, second]) t.equal((await each.ask(node)).status, 200, 'those that are open stay')
})

for (const handshake of [false, true]) {
  const who = handshake ? 'idle connections' : 'handshakes that never end'
  t.test(`${who} are bounded over all workers, and one after the other makes room`, async t => {
    const scene = await startScene(t, {
      pki,
      overrides: { listen: { workers: 2, limits: { connections: 40 } } }
    })
    await flood(t, { port: scene.app.port, count: 200, handshake })
    for (let count = 0; count < 20; count++) {
      const raw = await connectRaw(t, pki, scene.app.port, agent)
      t.equal((await raw.ask(node)).status, 200)
    }
    const open = (await scrape(scene.app.adminPort)).sum('puppet_lb_connections')
    t.ok(open >= 20 && open <= 40, `${open} are open`)
  })
}

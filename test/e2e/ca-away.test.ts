import { once } from 'node:events'
import t from 'tap'
import { generateKeyPair } from '../../src/pki/key-pair.ts'
import { bootstrapAgent } from '../../src/simulation/agent-bootstrap.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { type ProbeRounds, probeRounds } from '../support/probe-rounds.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const health = { intervalMs: 5_000, timeoutMs: 3_000, rise: 1, fall: 2 }
const AWAY_MS = 40_000
const csr = '/puppet-ca/v1/certificate_request/a.example.com'

async function startScene(t: Test) {
  const start = async (options: Parameters<typeof startSimulatedMaster>[0]) => {
    const master = await startSimulatedMaster(options)
    t.teardown(() => master.close())
    return master
  }
  const ca = await start({ name: 'ca-master', ca: pki.authority })
  const master = await start({ name: 'm1' })
  const runtime = probeRounds({ intervalMs: health.intervalMs, count: 2 })
  const { log, ...logged } = captureLog()
  const config = testConfig(pki, { ca: ca.url, masters: [{ name: 'm1', url: master.url }] }, { health })
  const app = await startBalancer(t, config, { runtime, log })
  return { app, ca, master, runtime, logged }
}

async function pass(ms: number, runtime: ProbeRounds): Promise<void> {
  for (let passed = 0; passed < ms; passed += health.intervalMs) await runtime.round()
}

for (const { version, isSentAway } of [
  { version: '3.8.7', isSentAway: false },
  { version: '5.5.22', isSentAway: false },
  { version: '6.14.0', isSentAway: false },
  { version: '7.23.0', isSentAway: false },
  { version: '8.1.0', isSentAway: false },
  { version: '8.10.0', isSentAway: true },
  { version: 'none', isSentAway: false }
]) {
  t.test(`an agent of ${version} is enrolled though the CA is away when it comes`, async t => {
    const { app, ca, runtime, logged } = await startScene(t)
    await ca.kill()
    let isOver = false
    const keys = await generateKeyPair('ec')
    const agent = { host: '127.0.0.1', port: app.port, servername: 'puppet', version, runtime }
    const certname = `agent-${version}.example.com`
    const enrolling = bootstrapAgent({ ...agent, certname, keys, extensions: {} }).finally(() => {
      isOver = true
    })
    await pass(AWAY_MS, runtime)
    t.notOk(isOver)
    await ca.restart()
    while (!isOver) await runtime.round()
    const { identity, requests } = await enrolling
    t.match(identity.cert, /BEGIN CERTIFICATE/)
    t.ok(requests.every(({ status }) => status === 200))

    const [first] = logged.lines.filter(({ msg }) => msg === 'request')
    t.match(first, isSentAway ? { status: 503, end: 'ca-unavailable' } : { status: 200, end: 'complete' })
    if (!isSentAway) t.ok(Number(first?.queueMs) >= AWAY_MS / 2, `it waited for ${first?.queueMs} ms`)
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.sum('puppet_lb_shed_total') > 0, isSentAway)
    t.equal(metrics.sum('puppet_lb_in_flight'), 0)
  })
}

t.test('an agent that comes back ten times at most is enrolled after eight minutes', async t => {
  const { app, ca, runtime } = await startScene(t)
  await ca.kill()
  let isOver = false
  const keys = await generateKeyPair('ec')
  const agent = { host: '127.0.0.1', port: app.port, servername: 'puppet', version: '5.5.22', runtime }
  const enrolling = bootstrapAgent({ ...agent, certname: 'a.example.com', keys, extensions: {} }).finally(
    () => {
      isOver = true
    }
  )
  await pass(480_000, runtime)
  t.notOk(isOver)
  await ca.restart()
  while (!isOver) await runtime.round()
  const { identity } = await enrolling
  t.match(identity.cert, /BEGIN CERTIFICATE/)
})

t.test('its body waits with the agent, and reaches the CA once', async t => {
  const { app, ca, runtime } = await startScene(t)
  await ca.kill()
  const asked = connectAgent(t, pki, app.port).ask({
    method: 'PUT',
    path: csr,
    headers: { 'content-type': 'text/plain', 'content-length': 200_000, 'x-puppet-version': '7.23.0' },
    body: 'x'.repeat(200_000)
  })
  await pass(AWAY_MS, runtime)
  await ca.restart()
  let isOver = false
  void asked.finally(() => {
    isOver = true
  })
  while (!isOver) await runtime.round()
  t.equal((await asked).status, 400, 'it is no request for a certificate, says the CA')
  const sent = ca.requests.filter(({ url }) => url === csr)
  t.match(sent, [{ body: { bytes: 200_000 } }])
  t.equal(sent.length, 1)
})

t.test('an enrolled agent runs meanwhile', async t => {
  const { app, ca, runtime } = await startScene(t)
  await ca.kill()
  await pass(2 * health.intervalMs, runtime)
  const certname = 'enrolled.example.com'
  const { chain, key } = await pki.authority.issue({ certname })
  const run = await runAgent({
    ...{ host: '127.0.0.1', port: app.port, servername: 'puppet', ca: pki.authority.bundle },
    ...{ identity: { cert: chain, key }, certname, version: '7.23.0', files: 1 }
  })
  t.same([run.exitStatus, run.failure], [2, undefined])
})

/** A balancer whose CA takes no connection, and whose clock stands still. */
async function startWithoutCa(t: Test) {
  const scene = await startScene(t)
  await scene.ca.kill()
  const waits = async (version = '7.23.0') => {
    const agent = connectAgent(t, pki, scene.app.port)
    const request = agent.open({
      path: '/puppet-ca/v1/certificate/ca',
      headers: { 'x-puppet-version': version }
    })
    request.on('error', () => {})
    return { agent, request }
  }
  return { ...scene, waits }
}

t.test('after minutes in vain there is a plain 503', async t => {
  const { waits, runtime, app } = await startWithoutCa(t)
  const { request } = await waits()
  const answered = once(request, 'response')
  let isOver = false
  void answered.finally(() => {
    isOver = true
  })
  let passedMs = 0
  for (; !isOver; passedMs += health.intervalMs) await runtime.round()
  const [{ statusCode, headers }] = await answered
  t.equal(statusCode, 503)
  t.equal(headers['x-puppet-lb-reason'], 'ca-unavailable')
  t.equal(headers['retry-after'], undefined)
  t.ok(passedMs >= 300_000 * 0.9 && passedMs <= 400_000, `${passedMs} ms`)
  t.equal((await scrape(app.adminPort)).value('puppet_lb_shed_total', { reason: 'ca-unavailable' }), 1)
})

t.test('an agent that hangs up while it waits never reaches the CA', async t => {
  const { waits, runtime, ca, logged } = await startWithoutCa(t)
  const { agent } = await waits()
  await pass(2 * health.intervalMs, runtime)
  agent.close()
  const line = await logged.line({ msg: 'request' })
  t.match(line, { end: 'agent-gone', class: 'ca' })
  await ca.restart()
  await pass(2 * health.intervalMs, runtime)
  t.equal(ca.requests.filter(({ url }) => url.includes('certificate')).length, 0)
})

t.test('who asks for the state of the CA is not kept waiting', async t => {
  const { app } = await startWithoutCa(t)
  const { status, headers } = await connectAgent(t, pki, app.port).ask({ path: '/status/v1/simple/ca' })
  t.match([status, headers['x-puppet-lb-reason']], [503, 'ca-unavailable'])
})

t.test('a CA that takes connections but is not ready yet is not asked before its probes say so', async t => {
  let isReady = false
  const ca = await startScriptedMaster(t, (request, response) => {
    response.statusCode = isReady ? 200 : 503
    response.end(request.url === '/status/v1/simple/ca' && isReady ? 'running' : 'starting')
  })
  const master = await startScriptedMaster(t, (_request, response) => response.end('running'))
  const runtime = probeRounds({ intervalMs: health.intervalMs, count: 2 })
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
    { health: { ...health, path: '/status/v1/simple/ca' } }
  )
  const app = await startBalancer(t, config, { runtime })
  const asked = connectAgent(t, pki, app.port).ask({
    path: '/puppet-ca/v1/certificate/ca',
    headers: { 'x-puppet-version': '7.23.0' }
  })
  await pass(AWAY_MS, runtime)
  isReady = true
  await pass(2 * health.intervalMs, runtime)
  t.equal((await asked).status, 200)
  t.equal(ca.seen.filter(({ url }) => url.startsWith('/puppet-ca/')).length, 1)
})

t.test('a CA that its probes call down is asked before anybody is refused', async t => {
  // What a health path leads to that this CA does not have.
  const ca = await startScriptedMaster(t, (request, response) => {
    response.statusCode = request.url === '/other' ? 404 : 200
    response.end('the CA')
  })
  const runtime = probeRounds({ intervalMs: health.intervalMs, count: 2 })
  const master = await startScriptedMaster(t, (_request, response) => response.end('running'))
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
    { health: { ...health, path: '/other' } }
  )
  const app = await startBalancer(t, config, { runtime })
  const ask = (version: string) =>
    connectAgent(t, pki, app.port).ask({
      path: '/puppet-ca/v1/certificate/ca',
      headers: { 'x-puppet-version': version }
    })
  t.equal((await ask('8.10.0')).body, 'the CA')
  let isOver = false
  const asked = ask('7.23.0').finally(() => {
    isOver = true
  })
  while (!isOver) await runtime.round()
  t.match(await asked, { status: 200, body: 'the CA' })
})

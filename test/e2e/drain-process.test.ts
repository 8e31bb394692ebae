import type { ServerResponse } from 'node:http'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

/** What a slow machine needs to ask and to connect in the meantime. */
const DELAY_MS = 3_000
/** The log has another clock than timers. */
const CLOCKS_MS = 100

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const draining = { msg: 'draining: accepting no more connections' }
const compile = 'GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** `puppet-lb serve` with two workers and as many compiles under way. */
async function startScene(t: Test, { compiles = 1, drainTimeout = '1m', drainDelay = '0s' } = {}) {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (_request, response) => void held.push(response))
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [{ name: 'm1', url: master.url }],
    listen: { workers: 2, drainTimeout, drainDelay }
  })
  const agents = await Promise.all(
    Array.from({ length: compiles }, async (_, index) => {
      const identity = await pki.authority.issue({ certname: `agent${index}.example.com` })
      return connectRawAgent(t, pki, balancer.port, identity)
    })
  )
  for (const agent of agents) agent.send(compile)
  await master.until(() => held.length === compiles)
  return { balancer, agents, held }
}

t.test('SIGTERM lets compiles of every worker end, and exits 0 with a full log', async t => {
  const { balancer, agents, held } = await startScene(t, { compiles: 24 })
  balancer.process.kill('SIGTERM')
  await balancer.line(draining)
  for (const response of held) response.end('{}')
  const answers = await Promise.all(agents.map(agent => agent.end))
  t.ok(answers.every(answer => /^HTTP\/1\.1 200 OK\r\n(.*\r\n)?connection: close\r\n.*\{\}/is.test(answer)))
  t.equal(await balancer.exit, 0)
  const requests = balancer.lines.filter(line => line.msg === 'request' && line.end === 'complete')
  t.equal(requests.length, 24)
  t.equal(new Set(requests.map(line => String(line.id).split('-')[1])).size, 2, 'both workers had some')
})

t.test('with drainDelay it first says that it is not ready, and takes connections yet', async t => {
  const { balancer, agents, held } = await startScene(t, { drainDelay: `${DELAY_MS}ms` })
  const { port, adminPort } = balancer
  balancer.process.kill('SIGTERM')
  const said = await balancer.line({ delayMs: DELAY_MS })
  const readiness = await fetch(`http://127.0.0.1:${adminPort}/readyz`)
  t.same([readiness.status, await readiness.text()], [503, 'stopping\n'])
  const late = await connectRawAgent(
    t,
    pki,
    port,
    await pki.authority.issue({ certname: 'late.example.com' })
  )
  late.send('GET /puppet-ca/v1/certificate/ca HTTP/1.1\r\nHost: puppet\r\n\r\n')
  t.match(await late.until('\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/)
  t.notOk(
    balancer.lines.some(({ msg }) => msg === draining.msg),
    'all of that before it drains'
  )
  const begun = await balancer.line(draining)
  t.ok(Date.parse(String(begun.time)) - Date.parse(String(said.time)) >= DELAY_MS - CLOCKS_MS)
  for (const response of held) response.end('{}')
  for (const agent of agents) t.match(await agent.end, /^HTTP\/1\.1 200 OK\r\n/)
  t.equal(await balancer.exit, 0)
})

t.test('what runs longer than drainTimeout is cut and told of; the exit code is still 0', async t => {
  const { balancer, agents } = await startScene(t, { drainTimeout: '100ms' })
  balancer.process.kill('SIGTERM')
  t.same(await Promise.all(agents.map(agent => agent.end)), [''])
  t.equal(await balancer.exit, 0)
  t.ok(balancer.lines.some(line => line.cut === 1))
})

t.test('a second signal ends it at once', async t => {
  const { balancer, agents } = await startScene(t)
  balancer.process.kill('SIGTERM')
  await balancer.line(draining)
  balancer.process.kill('SIGTERM')
  t.equal(await balancer.exit, 143)
  t.same(await Promise.all(agents.map(agent => agent.end)), [''])
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { QUIET_MS } from '../../src/data/runs.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { agentOf, agentsOf } from '../support/agents.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startHandingOver, takeOver } from '../support/takeover.ts'

const DAY_MS = 86_400_000
const soonMs = Math.floor((Date.now() + 10 * DAY_MS) / 1000) * 1000
const crashModule = new URL('../support/crash-on-request.ts', import.meta.url).href
const pki = await createTestPki()
const identities = {
  web: await pki.authority.issue({ certname: 'web-1.example.com', notAfter: new Date(soonMs) }),
  old: await pki.authority.issue({ certname: 'old.example.com' })
}

type Test = { teardown: (task: () => unknown) => void }

/** A whole run of an agent; `version` is that of its Puppet. */
function run(port: number, name: keyof typeof identities, version?: string) {
  const { chain, key } = identities[name]
  return runAgent({
    host: '127.0.0.1',
    port,
    servername: 'puppet',
    ca: pki.authority.bundle,
    certname: name === 'web' ? 'web-1.example.com' : 'old.example.com',
    identity: { cert: chain, key },
    ...(version !== undefined && { version })
  })
}

async function startSite(t: Test) {
  const master = await startSimulatedMaster({ name: 'm1', ca: pki.authority })
  t.teardown(() => master.close())
  return { ca: master.url, masters: [{ name: 'm1', url: master.url }] }
}

t.test('an operator sees the last run of each agent, whichever workers served it', async t => {
  const site = await startSite(t)
  const app = await startBalancer(t, testConfig(pki, site, { listen: { workers: 2 } }))
  const { requests } = await run(app.port, 'web')
  await run(app.port, 'old', '7.30.0')
  const operator = operatorOf(app)

  await t.test('with what it was', async t => {
    const told = await agentOf(app, 'web-1.example.com')
    if (!told) throw new Error('it is not known')
    const { lastSeen, lastRunSeconds, compileSeconds, ...agent } = told
    t.same(agent, {
      certname: 'web-1.example.com',
      reported: true,
      requests: requests.length,
      requestsPerHour: Math.round(requests.length * Math.LN2),
      failures: 0,
      failure: null,
      failedRuns: 0,
      version: '8.10.0',
      environment: 'production',
      master: 'm1',
      certificateNotAfter: new Date(soonMs).toISOString()
    })
    t.ok(Math.abs(Date.parse(lastSeen) - Date.now()) < 60_000, 'just now')
    t.type(lastRunSeconds, 'number')
    t.type(compileSeconds, 'number')
  })

  await t.test('and asks for those that need a look', async t => {
    const named = async (...flags: string[]) => {
      const { out } = await operator.run('agents', '--json', ...flags)
      return JSON.parse(out).agents.map(({ certname }: { certname: string }) => certname)
    }
    t.same(await named(), ['old.example.com', 'web-1.example.com'])
    t.same(await named('--search', 'web'), ['web-1.example.com'])
    t.same(await named('--expiring', '30d'), ['web-1.example.com'])
    t.same(await named('--expiring', '5d'), [])
    t.same(await named('--old'), ['old.example.com'], 'the masters are of Puppet Server 8')
    t.same(await named('--failing'), [])
    t.equal((await named('--slow')).length, 2)
    t.equal((await named('--noisy', '--limit', '1')).length, 1)
  })

  await t.test('and metrics count them and name none', async t => {
    const { text, value } = await scrape(app.adminPort)
    for (const window of ['1h', '1d', '7d']) t.equal(value('puppet_lb_agents_seen', { window }), 2)
    t.equal(value('puppet_lb_agent_certificates_expiring', { within: '7d' }), 0)
    t.equal(value('puppet_lb_agent_certificates_expiring', { within: '30d' }), 1)
    t.equal(value('puppet_lb_agent_versions', { version: '8.10' }), 1)
    t.equal(value('puppet_lb_agent_versions', { version: '7.30' }), 1)
    t.notMatch(text, /old\.example\.com/)
  })

  await t.test('a reload forgets nobody', async t => {
    t.ok((await app.reload()).ok)
    t.equal((await agentsOf(app)).total, 2)
  })
})

t.test('what failed in a run is told, until a run is fine', async t => {
  const answers = { catalog: 500, report: '{"host":"x","status":"changed","logs":[]}' }
  const master = await startScriptedMaster(t, (request, response) => {
    response.writeHead(request.url?.includes('/catalog/') ? answers.catalog : 200).end('{}')
  })
  const masters = [{ name: 'm1', url: master.url }]
  const app = await startBalancer(t, testConfig(pki, { ca: master.url, masters }, { listen: { workers: 1 } }))
  const agent = connectAgent(t, pki, app.port, identities.web)
  const runOnce = async (report: string) => {
    await agent.ask({ path: '/puppet/v3/node/web-1.example.com?environment=canary' })
    await agent.ask({ method: 'POST', path: '/puppet/v3/catalog/web-1.example.com', body: 'facts' })
    await agent.ask({ method: 'PUT', path: '/puppet/v3/report/web-1.example.com', body: report })
    const { failure, failures, failedRuns, environment } = (await agentOf(app, 'web-1.example.com')) ?? {}
    return { failure, failures, failedRuns, environment }
  }
  const told = { environment: 'canary' }
  t.same(await runOnce(answers.report), { ...told, failure: 'catalog', failures: 1, failedRuns: 1 })
  answers.catalog = 200
  const failed = '{"host":"x","configuration_version":"\\"status\\":\\"unchanged\\"","status":"failed"}'
  t.same(await runOnce(failed), { ...told, failure: 'report', failures: 0, failedRuns: 2 })
  t.same(await runOnce(answers.report), { ...told, failure: null, failures: 0, failedRuns: 0 })
})

t.test('an agent that is told to come back has not failed, whoever says so', async t => {
  const master = await startScriptedMaster(t, (request, response) => {
    const isCatalog = request.url?.includes('/catalog/')
    response.writeHead(isCatalog ? 503 : 200, isCatalog ? { 'retry-after': '7' } : {}).end('{}')
  })
  const masters = [{ name: 'm1', url: master.url }]
  const runtime = fakeRuntime()
  const app = await startBalancer(t, testConfig(pki, { ca: master.url, masters }), { runtime })
  const agent = connectAgent(t, pki, app.port, identities.web)
  const headers = { 'x-puppet-version': '8.10.0' }
  const catalog = { method: 'POST', path: '/puppet/v3/catalog/web-1.example.com', headers, body: 'facts' }
  const told = await agent.ask(catalog)
  t.match([told.status, told.headers['retry-after']], [503, '7'])
  await master.kill()
  const refused = await agent.ask(catalog)
  t.match([refused.status, refused.headers['retry-after']], [503, /^\d+$/])
  await runtime.advance(2 * QUIET_MS)
  t.match(await agentOf(app, 'web-1.example.com'), { requests: 2, failures: 0, failure: null })
})

t.test('who was told of is known when the worker that saw him has died', async t => {
  const site = await startSite(t)
  const balancer = await spawnBalancer(
    t,
    pki,
    { ...site, listen: { workers: 1 } },
    { nodeOptions: ['--import', crashModule] }
  )
  await run(balancer.port, 'web')
  t.equal((await agentsOf(balancer)).total, 1)
  await t.rejects(connectAgent(t, pki, balancer.port, identities.old).ask({ path: '/crash' }))
  await balancer.line({ msg: 'a worker thread is replaced' })
  t.same(
    (await agentsOf(balancer)).agents.map(({ certname }) => certname),
    ['web-1.example.com']
  )
  await run(balancer.port, 'old')
  t.equal((await agentsOf(balancer)).total, 2)
})

t.test(
  'who takes over knows the agents, and those that come to the other one until that has drained',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'plb-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const socket = join(directory, 'admin.sock')
    const config = testConfig(pki, await startSite(t), { admin: { socket } })
    const old = await startHandingOver(t, config)
    await run(old.port, 'web')
    t.equal((await agentsOf(old)).total, 1)
    const ask = connectAgent(t, pki, old.port, identities.old)
    await ask.ask({ path: '/puppet/v3/node/old.example.com?environment=production' })
    const next = await takeOver(t, config)
    ask.close()
    await old.ended
    await next.line({ msg: `process ${process.pid}, which this one took over from, has drained` })
    t.match((await agentsOf(next)).agents, [
      { certname: 'old.example.com', requests: 1, reported: false },
      { certname: 'web-1.example.com', version: '8.10.0', reported: true }
    ])
  }
)

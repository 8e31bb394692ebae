import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const RUNS = 12
const RUNS_AT_ONCE = 3
const facts = Buffer.alloc(300_000, 'facts of some machine ')

/** One that answers all but its status like a Puppet Server whose JRubies are being shut down. */
const startStopping = (t: Test) =>
  startScriptedMaster(t, async (request, response) => {
    await buffer(request)
    response.writeHead(503, { 'Content-Type': 'text/plain' }).end('Pool is shutting down')
  })

for (const version of ['8.10.0', '7.23.0', '6.13.0', '4.10.12']) {
  t.test(`a master that is stopping and says it runs costs ${version} no run`, async t => {
    const stopping = await startStopping(t)
    const well = await startSimulatedMaster({ name: 'master-2' })
    t.teardown(well.close)
    const masters = [
      { name: 'master-1', url: stopping.url },
      { name: 'master-2', url: well.url }
    ]
    const app = await startBalancer(t, testConfig(pki, { ca: well.url, masters }))
    const start = async (index: number) => {
      const certname = `agent-${index}.example.com`
      const { chain, key } = await pki.authority.issue({ certname })
      return runAgent({
        ...{ host: '127.0.0.1', port: app.port, servername: 'puppet', ca: pki.authority.bundle },
        ...{ identity: { cert: chain, key }, certname, version, files: 4 }
      })
    }
    const runs: Awaited<ReturnType<typeof start>>[] = []
    while (runs.length < RUNS)
      runs.push(
        ...(await Promise.all(Array.from({ length: RUNS_AT_ONCE }, (_, at) => start(runs.length + at))))
      )
    const requests = runs.flatMap(run => run.requests)
    const lost = requests.filter(({ status }) => status !== 200)
    t.ok(
      lost.every(({ path }) => path.includes('/report/')),
      'no node, catalog or file got the 503'
    )
    t.ok(stopping.seen.length > 0)
    const isReport = ({ url }: { readonly url: string }) => url.includes('/report/')
    const asked = stopping.seen.filter(isReport).length + well.requests.filter(isReport).length
    t.equal(asked, RUNS, 'each report was sent once')
    t.ok(stopping.connections() < RUNS, `${stopping.connections()} connections are left there`)

    const metrics = await scrape(app.adminPort)
    t.ok(metrics.sum('puppet_lb_retries_total', { reason: 'master-unavailable' }) > 0)
    t.equal(metrics.sum('puppet_lb_in_flight'), 0)
    t.equal(metrics.sum('puppet_lb_shed_total'), 0)
  })
}

t.test('the next master gets all of the body', async t => {
  const got: string[] = []
  const stopping = await startStopping(t)
  const well = await startScriptedMaster(t, async (request, response) => {
    got.push((await buffer(request)).toString())
    response.end('{}')
  })
  const masters = [
    { name: 'master-1', url: stopping.url },
    { name: 'master-2', url: well.url, priority: 1 }
  ]
  const app = await startBalancer(t, testConfig(pki, { ca: well.url, masters }))
  const agent = connectAgent(t, pki, app.port)
  const catalog = '/puppet/v3/catalog/a.example.com?environment=production'
  t.equal((await agent.ask({ method: 'POST', path: catalog, body: facts })).status, 200)
  t.same(got, [facts.toString()])
  const report = { method: 'PUT', path: '/puppet/v3/report/a.example.com', body: 'report' }
  t.match(await agent.ask(report), { status: 503, body: 'Pool is shutting down' }, 'whose own word that is')
  const large = Buffer.alloc(8 * 1024 ** 2, 'many facts ')
  t.equal(
    (await agent.ask({ method: 'POST', path: catalog, body: large })).status,
    200,
    'nor is it lost when it is large'
  )
  t.equal(got[1], large.toString())
  const tooLarge = { method: 'POST', path: catalog, body: Buffer.alloc(8 * 1024 ** 2 + 1, 'x') }
  t.match(await agent.ask(tooLarge), { status: 503, body: 'Pool is shutting down' }, 'too large to be kept')
  t.equal(got.length, 2)
})

t.test('when all masters are full, 7.23 waits for one of them, and 8.10 is told what they say', async t => {
  const runtime = fakeRuntime()
  const masters = await Promise.all(['m1', 'm2'].map(name => startSimulatedMaster({ name })))
  for (const master of masters) {
    t.teardown(master.close)
    master.overload(600)
  }
  const [first] = masters
  const topology = { ca: first?.url as string, masters: masters.map(({ name, url }) => ({ name, url })) }
  const app = await startBalancer(t, testConfig(pki, topology, { health: { intervalMs: 3_600_000 } }), {
    runtime
  })
  const ask = async (version: string) => {
    const certname = `agent-${version}.example.com`
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
    return agent.ask({
      method: 'POST',
      path: `/puppet/v3/catalog/${certname}?environment=production`,
      headers: { 'x-puppet-version': version },
      body: 'facts=x'
    })
  }
  t.match(await ask('8.10.0'), { status: 503, headers: { 'retry-after': '600' } })
  let isOver = false
  const asked = ask('7.23.0').finally(() => {
    isOver = true
  })
  const depth = async () => (await scrape(app.adminPort)).sum('puppet_lb_queue_depth')
  while ((await depth()) !== 1);
  const before = masters.map(({ requestCount }) => requestCount)
  for (const master of masters) master.calm()
  while (!isOver) await runtime.advance(1_000)
  t.equal((await asked).status, 200)
  const after = masters.map(({ requestCount }) => requestCount)
  t.equal(
    after.reduce((sum, count, index) => sum + count - (before[index] as number), 0),
    1,
    'asked once more'
  )
})

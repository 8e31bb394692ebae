import t from 'tap'
import type { Explanation } from '../../src/model/explanation.ts'
import type { Settings } from '../../src/model/settings.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent, type Question, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, type TestRoute, testConfig, testRoute } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }
type Pools = Readonly<Record<string, readonly string[]>>

const pki = await createTestPki()
const at = (name: string, environment?: string): Question => ({
  path: `/puppet/v3/${name}/a${environment === undefined ? '' : `?environment=${environment}`}`
})
const catalog = at('catalog', 'production')
const report: Question = { ...at('report', 'production'), method: 'PUT', body: '{}' }
const file = at('file_content/modules', 'production')
const datacenter = (value: string) => ({
  name: 'pp_datacenter',
  oid: '1.3.6.1.4.1.34380.1.1.19',
  values: [value]
})

/** Masters that answer with their name, in pools; and a CA. */
async function startScene(t: Test, pools: Pools, routes: readonly TestRoute[], overrides = {}) {
  const masters: Record<string, ScriptedMaster> = {}
  for (const name of ['ca', ...Object.keys(pools)])
    masters[name] = await startScriptedMaster(t, (_request, response) => response.end(name))
  let config = testConfig(
    pki,
    {
      ca: masters.ca?.url ?? '',
      masters: Object.entries(pools).map(([name, of]) => ({
        name,
        url: masters[name]?.url ?? '',
        pools: of
      })),
      routes
    },
    overrides
  )
  const app = await startBalancer(t, config, { load: () => config })
  return {
    app,
    masters,
    config: () => config,
    reload(change: (settings: Settings) => Partial<Settings>) {
      config = { ...config, settings: { ...config.settings, ...change(config.settings) } }
      return app.reload()
    },
    async agent(certname: string, extensions = {}): Promise<TestAgent> {
      return connectAgent(t, pki, app.port, await pki.authority.issue({ certname, extensions }))
    }
  }
}

const whoAnswers = async (agent: TestAgent, question: Question) => (await agent.ask(question)).body

t.test('certname, extension, class and environment lead to pools, and the CA is never routed', async t => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const { agent } = await startScene(
    t,
    { m: ['default'], b: ['site-b'], d: ['dmz'], r: ['reports'], c: ['canary'] },
    [
      { classes: ['report'], pool: 'reports' },
      { extensions: [datacenter('b')], pool: 'site-b' },
      { certnames: ['*.dmz.example.com'], pool: 'dmz' },
      { environments: ['canary'], pool: 'canary' }
    ]
  )
  const plain = await agent('web-1.example.com')
  const inDmz = await agent('a.b.dmz.example.com')
  const inB = await agent('a.dmz.example.com', { pp_datacenter: 'b' })
  const inC = await agent('web-2.example.com', { pp_datacenter: 'c' })
  t.equal(await whoAnswers(plain, catalog), 'm')
  t.equal(await whoAnswers(plain, report), 'r')
  t.equal(await whoAnswers(inDmz, catalog), 'd')
  t.equal(await whoAnswers(inB, catalog), 'b', 'the first route decides')
  t.equal(await whoAnswers(inB, report), 'r')
  t.equal(await whoAnswers(inC, catalog), 'm')
  t.equal(await whoAnswers(plain, at('catalog', 'canary')), 'c', 'by the query')
  t.equal(await whoAnswers(plain, { path: '/canary/catalog/a' }), 'c', 'by the path')
  const post = (body: string, headers: Record<string, string> = form) =>
    whoAnswers(plain, { method: 'POST', path: '/puppet/v3/catalog/a', headers, body })
  t.equal(await post('facts_format=pson&environment=canary&facts=x'), 'c', 'by the form')
  t.equal(await post(`environment=canary&facts=${'x'.repeat(500_000)}`), 'c', 'by the begin of a long form')
  t.equal(await post(`facts=${'x'.repeat(70_000)}&environment=canary`), 'm', 'not beyond 64 KiB')
  t.equal(await post('facts=x&environment=other'), 'm')
  t.equal(await post('environment=canary', { 'Content-Type': 'text/plain' }), 'm', 'not by what is no form')
  for (const path of ['/puppet-ca/v1/certificate/ca', '/canary/certificate/ca'])
    t.equal(await whoAnswers(inDmz, { path }), 'ca')
})

t.test('an agent’s pins of several pools have nothing to do with each other', async t => {
  const { agent } = await startScene(
    t,
    { m1: ['default'], m2: ['default'], c1: ['canary'], c2: ['canary'], r: ['reports'] },
    [
      { classes: ['report'], pool: 'reports' },
      { environments: ['canary'], pool: 'canary' }
    ]
  )
  for (let number = 0; number < 6; number++) {
    const each = await agent(`agent${number}.example.com`)
    const production = await whoAnswers(each, catalog)
    const canary = await whoAnswers(each, at('catalog', 'canary'))
    t.match(production, /^m/)
    t.match(canary, /^c/)
    t.equal(await whoAnswers(each, file), production)
    t.equal(await whoAnswers(each, at('file_content/modules', 'canary')), canary)
    t.equal(await whoAnswers(each, report), 'r')
    each.close()
  }
})

t.test(
  'while no member of a pool is up the other one serves, and without another its name is told',
  async t => {
    const { agent, masters, app } = await startScene(
      t,
      { m: ['default'], b: ['site-b'], d: ['dmz'] },
      [
        { certnames: ['b-*'], pool: 'site-b', otherwise: 'default' },
        { certnames: ['d-*'], pool: 'dmz' }
      ],
      { health: { intervalMs: 100, timeoutMs: 5_000 } }
    )
    const [inB, inD] = [await agent('b-1'), await agent('d-1')]
    t.same([await whoAnswers(inB, catalog), await whoAnswers(inD, catalog)], ['b', 'd'])
    await masters.b?.kill()
    await masters.d?.kill()
    t.equal(await whoAnswers(inB, file), 'm', 'also before a probe has found out')
    const operator = operatorOf(app)
    while ((await operator.master('b'))?.state !== 'down' || (await operator.master('d'))?.state !== 'down');
    t.equal(await whoAnswers(inB, catalog), 'm')
    const { status, body } = await inD.ask({ ...catalog, headers: { 'X-Puppet-Version': '8.10.0' } })
    t.equal(status, 503)
    t.match(body, /^No Puppet master can serve this request now: in the pool dmz/)
    const simple = { path: '/status/v1/simple' }
    t.same([(await inB.ask(simple)).status, (await inD.ask(simple)).status], [200, 503])
    t.same(
      (await operator.status()).pools?.map(({ name, up }) => [name, up]),
      [
        ['default', 1],
        ['site-b', 0],
        ['dmz', 0]
      ]
    )
  }
)

t.test('a pool that is full turns nobody away who goes to another', async t => {
  const [a, b] = [
    await startSimulatedMaster({ name: 'a', jrubies: 1 }),
    await startSimulatedMaster({ name: 'b', jrubies: 1 })
  ]
  t.teardown(() => Promise.all([a.close(), b.close()]))
  const config = testConfig(
    pki,
    {
      ca: a.url,
      masters: [
        { name: 'a', url: a.url },
        { name: 'b', url: b.url, pools: ['b'] }
      ],
      routes: [{ certnames: ['b*'], pool: 'b' }]
    },
    { queue: { limit: 2 } }
  )
  const app = await startBalancer(t, config)
  const ask = async (certname: string) => {
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
    const path = `/puppet/v3/catalog/${certname}?environment=production`
    return agent.ask({ method: 'POST', path, body: 'facts=x' })
  }
  a.hold()
  b.hold()
  const first = [ask('a1'), ask('b1')]
  await Promise.all([a.until(({ held }) => held === 1), b.until(({ held }) => held === 1)])
  const depth = async (pool: string) =>
    (await scrape(app.adminPort)).value('puppet_lb_pool_queue_depth', { pool, class: 'catalog' })
  const waiting = [ask('a2'), ask('a3')]
  while ((await depth('default')) !== 2);
  const refused = await ask('a4')
  t.same([refused.status, refused.headers['x-puppet-lb-reason']], [503, 'queue-full'])
  waiting.push(ask('b2'), ask('b3'))
  while ((await depth('b')) !== 2);
  t.equal((await scrape(app.adminPort)).value('puppet_lb_queue_depth', { class: 'catalog' }), 4)
  a.release()
  b.release()
  t.same(
    (await Promise.all([...first, ...waiting])).map(({ status }) => status),
    [200, 200, 200, 200, 200, 200]
  )
})

t.test('routes that change under load lose no request', async t => {
  const { agent, reload } = await startScene(t, { m: ['default'], b: ['default', 'b'] }, [])
  const agents = await Promise.all(Array.from({ length: 6 }, (_, number) => agent(`b-${number}`)))
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const inForm = {
    method: 'POST',
    path: '/puppet/v3/catalog/a',
    headers: form,
    body: 'environment=x&facts=y'
  }
  let isOver = false
  const answers = agents.map(async each => {
    const statuses: number[] = []
    while (!isOver)
      for (const question of [catalog, file, inForm, report]) statuses.push((await each.ask(question)).status)
    return statuses
  })
  const routes = [
    { certnames: ['b-*'], pool: 'p' },
    { environments: ['x'], pool: 'p', otherwise: 'default' }
  ].map(testRoute)
  for (let round = 0; round < 20; round++) {
    const { ok } = await reload(({ masters }) => ({
      routes: round % 2 === 0 ? routes : [],
      masters: masters.map(each =>
        each.name === 'b' ? { ...each, pools: round % 2 === 0 ? ['p'] : ['default'] } : each
      )
    }))
    t.ok(ok)
  }
  isOver = true
  const statuses = (await Promise.all(answers)).flat()
  t.ok(statuses.length >= 24)
  t.same([...new Set(statuses)], [200])
})

t.test('why tells the pool and the route', async t => {
  const { agent, app } = await startScene(t, { m: ['default'], r: ['reports'] }, [
    { classes: ['report'], pool: 'reports' }
  ])
  const each = await agent('a.example.com')
  const admin = { path: '/puppet-admin-api/v1/jruby-pool' }
  const id = /Request (\S+)-(\w+)$/.exec((await each.ask(admin)).body)
  await each.ask(report)
  await each.ask(catalog)
  const idAfter = (count: number) =>
    `${id?.[1]}-${(Number.parseInt(id?.[2] as string, 36) + count).toString(36)}`
  const origin = `http://127.0.0.1:${app.adminPort}`
  const ofReport = (await (await fetch(`${origin}/api/why/${idAfter(1)}`)).json()) as Explanation
  t.match(ofReport, {
    pool: 'reports',
    route: { number: 1, place: 'test.yaml:1', conditions: 'class report', pool: 'reports' },
    candidates: [{ master: 'r' }]
  })
  const { run } = operatorOf(app)
  t.match((await run('why', idAfter(1))).out, /^pool: +reports, by route 1 \(class report\), test\.yaml:1$/m)
  t.match((await run('why', idAfter(2))).out, /^pool: +default, which gets what no route takes$/m)
})

t.test('on a site with one server its drain as a master leaves certificates flowing', async t => {
  const server = await startScriptedMaster(t, (_request, response) => response.end('server'))
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: server.url, masters: [{ name: 'server', url: server.url }] })
  )
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'a' }))
  t.equal(await whoAnswers(agent, catalog), 'server')
  const operator = operatorOf(app)
  t.equal((await operator.run('drain', 'server')).code, 0)
  const enrolling = connectAgent(t, pki, app.port)
  t.equal(await whoAnswers(enrolling, { path: '/puppet-ca/v1/certificate/ca' }), 'server')
  const { headers } = await agent.ask({ ...at('catalog', 'x'), headers: { 'X-Puppet-Version': '8.10.0' } })
  t.equal(headers['x-puppet-lb-reason'], 'no-master')
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_requests_total', { class: 'ca', master: 'ca', code: '200' }), 1)
  t.equal(metrics.value('puppet_lb_requests_total', { class: 'catalog', master: 'server', code: '200' }), 1)
  t.equal((await operator.status()).ca.state, 'up')
})

import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, type TestRoute, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const health = { intervalMs: 100, timeoutMs: 5_000 }
const toSiteB: readonly TestRoute[] = [{ certnames: ['b-*'], pool: 'site-b' }]

/** One master in `default` and two in `site-b`, and an agent of each. */
async function startScene(t: Test, routes = toSiteB) {
  const [m, b1, b2] = await Promise.all(
    [1, 2, 3].map(() => startScriptedMaster(t, (_request, response) => response.end('{}')))
  )
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    {
      ca: m?.url ?? '',
      masters: [
        { name: 'm', url: m?.url ?? '' },
        { name: 'b1', url: b1?.url ?? '', pools: ['site-b'] },
        { name: 'b2', url: b2?.url ?? '', pools: ['site-b'] }
      ],
      routes
    },
    { health }
  )
  const app = await startBalancer(t, config, { log })
  const operator = operatorOf(app)
  return {
    ...logged,
    operator,
    b2,
    scrape: () => scrape(app.adminPort),
    async ask(certname: string) {
      const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
      const path = `/puppet/v3/catalog/${certname}`
      return agent.ask({ path, headers: { 'X-Puppet-Version': '8.10.0' } })
    },
    async untilState(name: string, state: string) {
      while ((await operator.master(name))?.state !== state);
    }
  }
}

t.test('masters that are up are counted by pool, those that take no new runs left out', async t => {
  const { scrape, operator, b2, untilState } = await startScene(t)
  const up = async () => {
    const { value } = await scrape()
    return ['default', 'site-b'].map(pool => value('puppet_lb_pool_masters_up', { pool }))
  }
  t.same(await up(), [1, 2])
  await b2?.kill()
  await untilState('b2', 'down')
  t.same(await up(), [1, 1])
  await operator.run('drain', 'b1')
  t.same(await up(), [1, 0])
  t.match(
    (await operator.run('status')).out,
    /^pools: +name +up +catalog +report +light\n +default +1 +0 +0 +0\n +site-b +0 +0 +0 +0\n/m
  )
  await operator.run('undrain', 'b1')
  t.same(await up(), [1, 1])
})

t.test('requests, waits and answers of "not now" are counted and logged by pool', async t => {
  const { scrape, operator, ask, line } = await startScene(t)
  for (const certname of ['b-1', 'b-2', 'a-1']) t.equal((await ask(certname)).status, 200)
  for (const name of ['b1', 'b2']) await operator.run('maint', name)
  t.equal((await ask('b-3')).status, 503)
  const { value, sum } = await scrape()
  const requests = (pool: string, code: string) => value('puppet_lb_pool_requests_total', { pool, code })
  t.equal(requests('site-b', '200'), 2)
  t.equal(requests('site-b', '503'), 1)
  t.equal(requests('default', '200'), 1)
  t.equal(sum('puppet_lb_pool_requests_total'), sum('puppet_lb_requests_total', { class: 'catalog' }))
  t.equal(value('puppet_lb_pool_queue_seconds_count', { pool: 'default' }), 1)
  t.equal(sum('puppet_lb_pool_queue_seconds_count'), sum('puppet_lb_queue_seconds_count'))
  t.equal(value('puppet_lb_pool_shed_total', { pool: 'site-b', reason: 'no-master' }), 1)
  t.equal(value('puppet_lb_shed_total', { reason: 'no-master' }), 1)
  for (const [certname, pool] of [
    ['a-1', 'default'],
    ['b-1', 'site-b'],
    ['b-3', 'site-b']
  ])
    t.match(await line({ msg: 'request', certname }), { pool })
})

t.test('where there are no routes nothing is counted or logged by pool', async t => {
  const { scrape, ask, line } = await startScene(t, [])
  t.equal((await ask('b-1')).status, 200)
  t.notMatch((await scrape()).text, /^puppet_lb_pool_(requests|queue_seconds|shed)\w*\{/m)
  t.notOk('pool' in (await line({ msg: 'request', certname: 'b-1' })))
})

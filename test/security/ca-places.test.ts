import t from 'tap'
import { CA_PLACES } from '../../src/data/http/ca-places.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const enrol = { path: '/puppet-ca/v1/certificate/ca', headers: { 'x-puppet-version': '7.23.0' } }

t.test(
  'strangers that wait for the CA take neither places of agents nor all places of their kind',
  async t => {
    const pki = await createTestPki()
    const ca = await startScriptedMaster(t, (_request, response) => response.end('the CA'))
    const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
    const config = testConfig(
      pki,
      { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
      { health: { intervalMs: 3_600_000 }, queue: { limit: 0 } }
    )
    const runtime = fakeRuntime()
    const app = await startBalancer(t, config, { runtime })
    await ca.kill()
    const from = (localAddress: string) => connectAgent(t, pki, app.port, undefined, { localAddress })
    const refusals = async () =>
      (await scrape(app.adminPort)).value('puppet_lb_limit_refusals_total', { limit: 'caPlaces' }) ?? 0

    const most = CA_PLACES.all * CA_PLACES.networkShare
    for (let count = 0; count < most; count++)
      from('127.0.0.2')
        .open(enrol)
        .on('error', () => {})
    // Whoever comes before all of them wait waits as well, and then it is the next one.
    const others = [from('127.0.0.2').ask(enrol)]
    while ((await refusals()) === 0) others.push(from('127.0.0.2').ask(enrol))
    const answer = await Promise.race(others)
    t.match(answer, { status: 503, headers: { 'x-puppet-lb-reason': 'ca-unavailable' } })
    t.equal(answer.headers['retry-after'], undefined)

    const neighbour = from('127.0.0.3').ask(enrol)
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
    t.equal((await agent.ask({ path: '/puppet/v3/node/agent1' })).status, 200, 'an agent is served meanwhile')
    t.equal((await scrape(app.adminPort)).sum('puppet_lb_queue_depth'), 0)

    await startScriptedMaster(t, (_request, response) => response.end('the CA'), { port: ca.port })
    let isOver = false
    void neighbour.finally(() => {
      isOver = true
    })
    while (!isOver) await runtime.advance(500)
    t.match(await neighbour, { status: 200, body: 'the CA' }, 'and who comes from elsewhere is enrolled')
  }
)

import t from 'tap'
import type { MasterStatus } from '../../src/model/status.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const HOUR_MS = 3_600_000
const pki = await createTestPki()

t.test('one certname, and anybody without one, can have no master blamed', async t => {
  // At m1, whatever the hostile one asks for fails: more than it could bring about by itself.
  const start = (status: number) =>
    startScriptedMaster(t, (request, response) => {
      response.statusCode = request.url?.includes('hostile') ? status : 200
      response.end('{}')
    })
  const masters = [await start(500), await start(200)] as const
  const runtime = fakeRuntime()
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      {
        ca: masters[1].url,
        masters: masters.map(({ url }, index) => ({ name: `m${index + 1}`, url }))
      },
      { health: { intervalMs: HOUR_MS } }
    ),
    { runtime }
  )
  const catalogOf = (certname: string) => ({
    method: 'POST',
    path: `/puppet/v3/catalog/${certname}?environment=production`,
    body: 'facts=x'
  })
  const hostile = await pki.authority.issue({ certname: 'hostile.example.com' })
  const good = await Promise.all(
    Array.from({ length: 6 }, (_, index) => pki.authority.issue({ certname: `agent${index}.example.com` }))
  )
  for (const identity of good)
    await connectAgent(t, pki, app.port, identity).ask(catalogOf('agent.example.com'))

  const attackers = [hostile, hostile, hostile, hostile, undefined].map(identity =>
    connectAgent(t, pki, app.port, identity)
  )
  const ejections = async () => {
    const { value } = await scrape(app.adminPort)
    return value('puppet_lb_ejections_total', { master: 'm1', fault: 'catalogs' })
  }
  // Masters are compared every second.
  for (let second = 0; second < 5; second++) {
    for (let round = 0; round < 10; round++)
      await Promise.all(attackers.map(agent => agent.ask(catalogOf('hostile.example.com'))))
    await runtime.advance(1_000)
  }
  t.equal(await ejections(), undefined)
  const answer = await fetch(`http://127.0.0.1:${app.adminPort}/api/masters`)
  t.same(
    ((await answer.json()) as MasterStatus[]).map(({ state }) => state),
    ['up', 'up']
  )
  t.ok(masters[0].seen.length > 50, 'it had its way with it')
})

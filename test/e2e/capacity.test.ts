import t from 'tap'
import { LOOK_MS } from '../../src/control/capacity/capacity.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'

const HOUR_MS = 3_600_000

t.test('the share of the JRubies is told that work, and why no headroom is', async t => {
  const pki = await createTestPki()
  const runtime = fakeRuntime()
  const start = async (options: Parameters<typeof startSimulatedMaster>[0]) => {
    const master = await startSimulatedMaster(options)
    t.teardown(master.close)
    return master
  }
  const [ca, m1] = await Promise.all([
    start({ name: 'ca', ca: pki.authority }),
    start({ name: 'm1', jrubies: 4 })
  ])
  const topology = { ca: ca.url, masters: [{ name: 'm1', url: m1.url }] }
  const config = testConfig(pki, topology, { health: { intervalMs: HOUR_MS } })
  const app = await startBalancer(t, config, { runtime })
  t.match(app.status().capacity, [{ pool: 'default', jrubies: 4, minutes: 0, utilization: null }])

  m1.hold()
  for (const name of ['a', 'b', 'c']) {
    const certname = `${name}.example.com`
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
    agent.ask({ path: `/puppet/v3/catalog/${certname}?environment=production` }).catch(() => {})
  }
  await m1.until(({ running }) => running === 3)
  await runtime.advance(8 * LOOK_MS)
  const [told] = app.status().capacity
  // The first look was before the agents came.
  t.match(told, {
    utilization: (3 * 8) / 9 / 4,
    headroomAgents: null,
    unknown: /began less than 5 minutes ago/
  })
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_utilization', { pool: 'default' }), told?.utilization)
  t.equal(metrics.value('puppet_lb_headroom_agents', { pool: 'default' }), undefined)
})

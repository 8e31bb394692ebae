import t from 'tap'
import { startSimulatedMaster } from '../../src/demo/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'

const AGENTS = 2_000
const JRUBIES = 4

// Two thousand handshakes take a while on a busy machine.
t.setTimeout(180_000)

t.test(
  'two thousand agents at once are all served, and no master gets more than it has JRubies for',
  async t => {
    const pki = await createTestPki()
    const identity = await pki.authority.issue({ certname: 'agent.example.com' })
    const masters = await Promise.all(
      ['m1', 'm2', 'm3', 'm4'].map(name => startSimulatedMaster({ name, jrubies: JRUBIES, compileMs: 5 }))
    )
    for (const master of masters) t.teardown(() => master.close())
    const most = masters.map(master => {
      const peak = { queued: 0 }
      // `until` looks after everything that happens at the master; it never comes true.
      void master.until(({ queued }) => {
        peak.queued = Math.max(peak.queued, queued)
        return false
      })
      return peak
    })
    const topology = { ca: masters[0]?.url ?? '', masters: masters.map(({ name, url }) => ({ name, url })) }
    const ca = await startSimulatedMaster({ name: 'ca', ca: pki.authority })
    t.teardown(() => ca.close())
    const app = await startBalancer(
      t,
      testConfig(pki, { ...topology, ca: ca.url }, { listen: { workers: 1 } })
    )
    const statuses = await Promise.all(
      Array.from({ length: AGENTS }, async () => {
        const agent = connectAgent(t, pki, app.port, identity)
        const { status } = await agent.ask({
          method: 'POST',
          path: '/puppet/v3/catalog/agent.example.com?environment=production',
          body: 'facts=x'
        })
        agent.close()
        return status
      })
    )
    t.equal(statuses.filter(status => status === 200).length, AGENTS)
    t.same(
      most.map(peak => peak.queued),
      [0, 0, 0, 0],
      'nobody waited in a master'
    )
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.sum('puppet_lb_queue_depth'), 0)
    t.equal(metrics.value('puppet_lb_queue_seconds_count', { class: 'catalog' }), AGENTS)
  }
)

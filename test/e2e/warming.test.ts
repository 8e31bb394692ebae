import type { ServerResponse } from 'node:http'
import t from 'tap'
import { masterStates } from '../../src/model/master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { jrubyMetrics, startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const node = '/puppet/v3/node/a.example.com?environment=production'

t.test('a master gets no work before it has made its first JRuby', async t => {
  const held: ServerResponse[] = []
  const warm = await startScriptedMaster(t, (_request, response) => held.push(response), { jrubies: 1 })
  let metrics = jrubyMetrics(1, { free: 0, borrowed: 0 })
  const cold = await startScriptedMaster(t, (_request, response) => response.end('cold'), {
    metrics: () => metrics
  })
  const masters = [
    { name: 'warm', url: warm.url },
    { name: 'cold', url: cold.url }
  ]
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: warm.url, masters }, { health: { intervalMs: 50 }, balance: { affinity: 'none' } })
  )
  const states = async () => {
    const { value } = await scrape(app.adminPort)
    return masters.map(({ name: master }) =>
      masterStates.find(state => value('puppet_lb_master_state', { master, state }) === 1)
    )
  }
  t.same(await states(), ['up', 'warming'])

  const [one, two] = await Promise.all(
    ['one.example.com', 'two.example.com'].map(certname => pki.authority.issue({ certname }))
  )
  const busy = connectAgent(t, pki, app.port, one).ask({ path: '/puppet/v3/node/held' })
  await warm.until(() => held.length === 1)
  const waiting = connectAgent(t, pki, app.port, two).ask({ path: node })
  while ((await scrape(app.adminPort)).value('puppet_lb_queue_depth', { class: 'light' }) !== 1);
  t.equal(cold.seen.length, 0, 'a request rather waits for one that has')

  metrics = jrubyMetrics(1)
  t.equal((await waiting).body, 'cold', 'and gets the first JRuby there is')
  t.same(await states(), ['up', 'up'])
  for (const response of held) response.end()
  await busy
})

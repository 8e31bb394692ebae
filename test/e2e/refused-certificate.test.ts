import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()

t.test('masters and a CA that want a client certificate which the balancer has not', async t => {
  const options = { tls: pki.server, clientCa: pki.authority.bundle }
  const master = await startScriptedMaster(t, (_request, response) => response.end(), options)
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { health: { intervalMs: 3_600_000 } }
  )
  const app = await startBalancer(t, config, { runtime: fakeRuntime(), log })
  const agent = connectAgent(t, pki, app.port)
  const truth = /it refuses the client certificate of the balancer/

  await t.test('are called that in the log, in status and in the metric', async t => {
    t.match(await logged.line({ msg: 'master is down', master: 'm1' }), { cause: truth })
    const status = await fetch(`http://127.0.0.1:${app.adminPort}/api/status`)
    t.match(await status.json(), { masters: [{ cause: truth }], ca: { cause: truth } })
    const labels = { master: 'm1', cause: 'tls-client-certificate' }
    t.equal((await scrape(app.adminPort)).value('puppet_lb_probe_failures_total', labels), 1)
  })

  // Of a version that comes back: others would wait here.
  const headers = { 'x-puppet-version': '8.10.0' }
  await t.test('are called that to agents', async t => {
    for (const [path, method] of [
      ['/puppet/v3/catalog/a.example.com?environment=production', 'GET'],
      ['/puppet-ca/v1/certificate_request/a.example.com', 'PUT']
    ] as const) {
      const answer = await agent.ask({ method, path, headers, ...(method === 'PUT' && { body: 'csr' }) })
      t.match(answer.body, truth)
      t.notMatch(answer.body, /ERR_|SSL/)
    }
  })
})

import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

t.test('an agent’s request reaches a master with its identity, and the answer comes back', async t => {
  const pki = await createTestPki()
  const master = await startScriptedMaster(t, (_request, response) => response.end('{"name":"agent1"}'), {
    tls: pki.server
  })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const identity = await pki.authority.issue({ certname: 'agent1.example.com' })
  const answer = await connectAgent(t, pki, app.port, identity).ask({
    path: '/puppet/v3/node/agent1.example.com?environment=production'
  })
  t.equal(answer.status, 200)
  t.equal(answer.body, '{"name":"agent1"}')
  const [request] = master.seen
  t.equal(request?.url, '/puppet/v3/node/agent1.example.com?environment=production')
  t.same(request?.header('x-client-verify'), ['SUCCESS'])
  t.same(request?.header('x-client-dn'), ['CN=agent1.example.com'])
  t.equal(decodeURIComponent(request?.header('x-client-cert')[0] ?? ''), `${identity.cert.trimEnd()}\n`)
  t.equal(request?.servername, 'localhost')
})

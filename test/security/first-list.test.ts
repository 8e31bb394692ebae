import t, { type Test } from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { fetchedLists, startListAuthority } from '../support/list-authority.ts'
import { captureLog } from '../support/log-lines.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
const catalog = '/puppet/v3/catalog/here?environment=production'
const open = ['/puppet-ca/v1/certificate/ca', '/production/certificate_revocation_list/ca']

/** A balancer whose CA cannot give a list yet. */
async function startScene(t: Test) {
  const ca = await startListAuthority(t, pki)
  const master = await startScriptedMaster(t, (_request, response) => response.end('from a master'), {
    tls: pki.server
  })
  const log = captureLog()
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
    { tls: { crl: fetchedLists() }, access: { administrators: ['here'] } }
  )
  const app = await startBalancer(t, config, { log: log.log })
  const ready = () => fetch(`http://127.0.0.1:${app.adminPort}/readyz`)
  return { ca, master, log, app, ready }
}

t.test(
  'until the CA has given a list, no certificate opens anything that is not open to everybody',
  async t => {
    const { ca, master, log, app, ready } = await startScene(t)
    const agent = connectAgent(t, pki, app.port, here)
    for (const path of [catalog, '/puppet/v3/file_metadata/x', '/puppet-admin-api/v1/environment-cache']) {
      const answer = await agent.ask({ path })
      t.equal(answer.status, 503, path)
      t.equal(answer.headers['x-puppet-lb-reason'], 'revocations-unknown')
      t.equal(answer.headers['retry-after'], undefined)
      t.match(answer.body, /^The load balancer does not know yet which certificates are revoked/)
    }
    t.equal(master.seen.length, 0)
    for (const path of open) {
      t.equal((await agent.ask({ path })).status, 200, path)
    }
    const last = ca.seen.findLast(({ url }) => url === open[0])
    t.same(last?.header('x-client-verify'), ['NONE'], 'nobody vouches for who asks')
    t.equal(
      (await agent.ask({ path: '/status/v1/simple/server' })).status,
      503,
      'agents go on to another one'
    )

    const answer = await ready()
    t.equal(answer.status, 503)
    t.equal(
      await answer.text(),
      'the CA has given no revocation list yet, so agents are refused: it answered 503\n'
    )
    t.equal(app.status().crl, null)
    t.match(
      log.lines.filter(({ msg }) => msg.includes('cannot be fetched')),
      [{ level: 'warn', msg: /until there is one, agents are refused$/ }],
      'told once'
    )

    ca.give(await pki.authority.crl({ revoked: [gone?.serial ?? ''] }))
    await log.line({ msg: 'certificate revocation list is fetched' })
    t.equal((await agent.ask({ path: catalog })).status, 200, 'on the same connection')
    t.equal((await connectAgent(t, pki, app.port, gone).ask({ path: catalog })).status, 403)
    t.equal((await ready()).status, 200)
  }
)

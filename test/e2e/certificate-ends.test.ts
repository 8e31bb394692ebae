import t from 'tap'
import type { Status } from '../../src/model/status.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { createRenewedCa, pemsOf } from '../support/renewed-ca.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const DAY_MS = 86_400_000
const pki = await createTestPki()

/** A certificate for this machine that ends in so many days. */
const endingIn = (days: number, certname: string) =>
  pki.authority.issue({
    certname,
    altNames: ['127.0.0.1', 'localhost'],
    notAfter: new Date(Math.ceil(Date.now() / 1_000) * 1_000 + days * DAY_MS)
  })

t.test(
  'what masters and the CA show in handshakes, and what we show them, is told in status, metric and log before it ends',
  async t => {
    const [ofMaster, ofCa, ofUs] = await Promise.all([
      endingIn(20.5, 'm1.example.com'),
      endingIn(10.5, 'ca.example.com'),
      endingIn(5.5, 'balancer')
    ])
    const start = (tls: typeof ofMaster) =>
      startScriptedMaster(t, (_request, response) => response.end('ok'), {
        tls,
        clientCa: pki.authority.bundle
      })
    const [master, ca] = await Promise.all([start(ofMaster), start(ofCa)])
    const { log, ...logged } = captureLog()
    const client = { certFile: 'hop.pem', keyFile: 'hop.key', cert: ofUs.chain, key: ofUs.key }
    const topology = { ca: ca.url, masters: [{ name: 'm1', url: master.url }] }
    const app = await startBalancer(
      t,
      testConfig(pki, topology, { upstream: { tls: { client } as never } }),
      { log }
    )
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
    t.equal((await agent.ask({ path: '/puppet/v3/node/agent1' })).status, 200, 'all of them are good')

    const expected = [
      { role: 'master-m1', source: master.url, daysLeft: 20 },
      { role: 'ca-master', source: ca.url, daysLeft: 10 },
      { role: 'upstream-client', source: 'hop.pem', daysLeft: 5 }
    ]
    const lines = await Promise.all(
      expected.map(each => logged.line({ ...each, level: 'warn', msg: 'a certificate in use ends soon' }))
    )
    const { certificates } = app.status()
    const metrics = await scrape(app.adminPort)
    const answer = await fetch(`http://127.0.0.1:${app.adminPort}/api/status`)
    for (const [index, { role, source }] of expected.entries()) {
      const shown = certificates.find(each => each.role === role)
      t.match(shown, { source, notAfter: lines[index]?.notAfter }, role)
      const at = Date.parse(shown?.notAfter ?? '') / 1_000
      t.equal(metrics.value('puppet_lb_certificate_not_after_timestamp_seconds', { cert: role }), at)
    }
    t.same(((await answer.json()) as Status).certificates, certificates)
    const soon = logged.lines.filter(({ msg }) => msg === 'a certificate in use ends soon')
    t.equal(soon.length, expected.length, 'nothing else ends')
  }
)

t.test('a certificate of a CA that has been renewed beside it alerts nobody', async t => {
  const { old, renewed } = await createRenewedCa()
  const ca = pki.authority.bundle + pemsOf(...old, ...renewed)
  const url = 'https://127.0.0.1:1'
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: url, masters: [{ name: 'm1', url }] }, { tls: { ca } })
  )
  const ended = app.status().certificates.filter(({ notAfter }) => Date.parse(notAfter) < Date.now())
  t.equal(ended.length, old.length)
  t.notOk(
    ended.find(each => each.renewed !== true),
    'status says of each that it is renewed'
  )
  const { value } = await scrape(app.adminPort)
  const cert = 'puppet_lb_certificate_not_after_timestamp_seconds'
  for (const { role, renewed: isRenewed } of app.status().certificates)
    t.equal(value(cert, { cert: role }) === undefined, isRenewed === true, role)
})

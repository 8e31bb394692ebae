import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

/** Only a certificate that the Puppet CA signed, shown in the handshake, leads to the pool of its name and extensions. */
const pki = await createTestPki()
const stranger = await createTestPki()
const wanted = { certname: 'a.dmz', extensions: { pp_role: 'vault' } }
const question = { path: '/puppet/v3/catalog/a.dmz?environment=production' }

t.test('no header and no certificate of another CA leads to a pool', async t => {
  const start = (name: string) => startScriptedMaster(t, (_request, response) => response.end(name))
  const [open, vault] = [await start('open'), await start('vault')]
  const config = testConfig(pki, {
    ca: open.url,
    masters: [
      { name: 'open', url: open.url },
      { name: 'vault', url: vault.url, pools: ['vault'] }
    ],
    routes: [
      {
        extensions: [{ name: 'pp_role', oid: '1.3.6.1.4.1.34380.1.1.13', values: ['vault'] }],
        pool: 'vault'
      },
      { certnames: ['b.dmz'], pool: 'vault' }
    ]
  })
  const { port } = await startBalancer(t, config)
  const real = await pki.authority.issue(wanted)
  t.equal((await connectAgent(t, pki, port, real).ask(question)).body, 'vault', 'by its extension')
  const named = await pki.authority.issue({ certname: 'b.dmz' })
  t.equal((await connectAgent(t, pki, port, named).ask(question)).body, 'vault', 'by its name')
  const forged = {
    'X-Client-Verify': 'SUCCESS',
    'X-Client-DN': 'CN=b.dmz',
    'X-Client-Cert': encodeURIComponent(real.cert)
  }
  t.equal((await connectAgent(t, pki, port).ask({ ...question, headers: forged })).body, 'open')
  const other = await stranger.authority.issue(wanted)
  t.equal((await connectAgent(t, pki, port, other).ask(question)).status, 403)
  t.equal(vault.seen.length, 2)
})

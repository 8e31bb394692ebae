import { readFileSync } from 'node:fs'
import t from 'tap'
import { createEnrolledAgent, managedFile, runAgent } from './support/agent.ts'
import { ask } from './support/ask.ts'
import { operator } from './support/authority.ts'
import { plainMaster, urlOf } from './support/layout.ts'
import { askProxy, startProxy } from './support/proxy.ts'

t.teardown((await startProxy({ name: 'identity' })).end)

const victim = await createEnrolledAgent({ certname: 'victim.example.test', role: 'payroll' })
const forger = await createEnrolledAgent({
  certname: 'forger.example.test',
  role: 'kiosk',
  settings: {
    http_extra_headers: `X-Client-DN:CN=${victim.certname},X-Client-Verify:SUCCESS,X_Client_DN:CN=${victim.certname}`
  }
})

/** Everything a client can say about itself, and says wrongly. */
const forged = {
  'X-Client-Verify': 'SUCCESS',
  'X-Client-DN': `CN=${victim.certname}`,
  'X-Client-Cert': encodeURIComponent(readFileSync(victim.ssl.cert, 'utf8')),
  X_Client_Verify: 'SUCCESS',
  X_Client_DN: `CN=${victim.certname}`,
  'X-SSL-Subject': `/CN=${victim.certname}`,
  'X-Forwarded-For': '127.0.0.1'
}
const victimsNode = `/puppet/v3/node/${victim.certname}?environment=production`
const ownNode = `/puppet/v3/node/${forger.certname}?environment=production`

t.test('the victim itself gets its node', async t => {
  t.equal((await askProxy(victimsNode, { as: victim.ssl })).status, 200)
})

// The control of what follows: the headers are right, and a master believes them from anybody who can reach it.
t.test('straight to a master, forged headers are believed', async t => {
  t.equal(
    (await ask({ url: `${urlOf(plainMaster)}${victimsNode}`, headers: forged, trust: 'anything' })).status,
    200
  )
})

t.test('an agent that writes the header of another one into its requests stays itself', async t => {
  const { status, output } = await runAgent(forger)
  t.equal(status, 2, 'changes were made', { output })
  t.equal(managedFile(forger, 'identity'), 'certname=forger.example.test role=kiosk authenticated=remote\n')
})

t.test(
  "forged headers beside a certificate open nothing of the other's, and leave the own node open",
  async t => {
    t.equal((await askProxy(victimsNode, { as: forger.ssl, headers: forged })).status, 403)
    t.equal((await askProxy(ownNode, { as: forger.ssl, headers: forged })).status, 200)
  }
)

t.test('forged headers without a certificate are nobody', async t => {
  t.equal((await askProxy(victimsNode, { headers: forged })).status, 403)
})

t.test('a header sent twice is neither the forged one nor a hindrance', async t => {
  const twice = {
    'X-Client-DN': [`CN=${victim.certname}`, `CN=${victim.certname}`],
    'X-Client-Verify': ['SUCCESS', 'SUCCESS']
  }
  t.equal((await askProxy(victimsNode, { as: forger.ssl, headers: twice })).status, 403)
  t.equal((await askProxy(ownNode, { as: forger.ssl, headers: twice })).status, 200)
})

t.test(
  'the list of certificates is for a certificate with pp_cli_auth, not for a plain or forging agent',
  async t => {
    const list = '/puppet-ca/v1/certificate_statuses/any_key'
    const operatorsCert = encodeURIComponent(readFileSync(operator().cert, 'utf8'))
    t.equal((await askProxy(list, { as: victim.ssl })).status, 403)
    t.equal(
      (await askProxy(list, { as: victim.ssl, headers: { 'X-Client-Cert': operatorsCert } })).status,
      403
    )
    t.equal((await askProxy(list)).status, 403)
    const allowed = await askProxy(list, { as: operator(), headers: { accept: 'application/json' } })
    t.equal(allowed.status, 200, 'status', { body: allowed.body })
    t.match(JSON.parse(allowed.body), [{ name: /./, state: 'signed' }])
  }
)

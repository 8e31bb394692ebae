import { readFileSync } from 'node:fs'
import t from 'tap'
import { compiledBy, createAgent, createEnrolledAgent, managedFile, runAgent } from './support/agent.ts'
import { ask } from './support/ask.ts'
import { operator } from './support/authority.ts'
import { reaches } from './support/background.ts'
import { ports, proxyHost, tlsMaster } from './support/layout.ts'
import { restartMaster } from './support/master.ts'
import { shortName, startProxy } from './support/proxy.ts'

await restartMaster(tlsMaster, false)
t.teardown(() => restartMaster(tlsMaster, true))
const proxy = await startProxy({
  name: 'raw-tcp',
  pools: { [shortName(tlsMaster)]: ['tcp'] },
  tcpPool: 'tcp'
})
t.teardown(proxy.end)

/** Certificates come from the CA over port 8140; everything else is raw TCP. */
const settings = { serverport: String(ports.tcp), ca_server: proxyHost, ca_port: String(ports.proxy) }
const agent = createAgent({ certname: 'raw.example.test', role: 'kiosk', settings })
const victim = await createEnrolledAgent({ certname: 'victim.example.test', role: 'payroll' })
const LOG_DEADLINE_MS = 30_000

t.test('an agent enrols with the CA and runs through raw TCP, known by its own certificate', async t => {
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, 'changes were made', { output })
  t.equal(managedFile(agent, 'identity'), 'certname=raw.example.test role=kiosk authenticated=remote\n')
  t.equal(compiledBy(agent), tlsMaster.name)
  const told = /"port":18220,"master":"compile-1".*"msg":"connection"/
  t.ok(await reaches(async () => told.test(proxy.log()), LOG_DEADLINE_MS))
})

t.test('forged headers on the way are nobody there', async t => {
  const url = (certname: string) =>
    `https://${proxyHost}:${ports.tcp}/puppet/v3/node/${certname}?environment=production`
  const forged = {
    'X-Client-Verify': 'SUCCESS',
    'X-Client-DN': `CN=${victim.certname}`,
    'X-Client-Cert': encodeURIComponent(readFileSync(victim.ssl.cert, 'utf8'))
  }
  const from = { headers: forged, as: agent.ssl, trust: operator().ca }
  t.equal((await ask({ url: url(victim.certname), ...from })).status, 403)
  t.equal((await ask({ url: url(agent.certname), ...from })).status, 200)
})

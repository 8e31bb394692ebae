import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { createEnrolledAgent, runAgent } from './support/agent.ts'
import { generation } from './support/debian.ts'
import { caMaster, compileMasters } from './support/layout.ts'
import { accessLogOf } from './support/master.ts'
import { startProxy } from './support/proxy.ts'

const RENEWAL = 'POST /puppet-ca/v1/certificate_renewal'

t.teardown((await startProxy({ name: 'renewal' })).end)

const skip = generation === 7 && 'Puppet 7 renews no certificates'

t.test('an agent whose certificate ends soon gets a new one from the CA by a run', { skip }, async t => {
  const settings = { hostcert_renewal_interval: '20y' } // whatever the CA gives ends sooner
  const agent = await createEnrolledAgent({ certname: 'renewed.example.test', role: 'evergreen', settings })
  const before = readCertificate(agent.ssl.cert)
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, 'as it should', { output })
  const after = readCertificate(agent.ssl.cert)
  t.not(after.serialNumber, before.serialNumber, 'another certificate', { output })
  t.equal(after.subject, before.subject)
  t.equal((await runAgent(agent)).status, 0, 'with which it goes on')
  t.ok(
    accessLogOf(caMaster).some(line => line.startsWith(`200 "${RENEWAL}`)),
    'made by the CA master'
  )
  for (const master of compileMasters)
    t.notOk(
      accessLogOf(master).some(line => line.includes(RENEWAL)),
      master.name
    )
})

function readCertificate(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file))
}

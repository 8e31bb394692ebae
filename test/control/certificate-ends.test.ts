import t from 'tap'
import { certificateEndsOf } from '../../src/control/certificate-ends.ts'
import { createPresentedCertificates } from '../../src/control/presented-certificates.ts'
import { createAuthority, renewAuthority } from '../../src/simulation/certificates.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'

const dayMs = 86_400_000
const pki = await createTestPki()
const topology = { ca: 'https://ca.example.com', masters: [] }
const none = { presented: [], crl: undefined }
const rolesOf = (
  settings: ReturnType<typeof testConfig>['settings'],
  seen: Parameters<typeof certificateEndsOf>[1] = none
) => certificateEndsOf(settings, seen).map(({ role, source }) => `${role} ${source}`)

t.test('every certificate that settings name is among them, each under a name of its own', async t => {
  const upstream = await createAuthority({ name: 'masters' })
  const client = await pki.authority.issue({ certname: 'lb' })
  const files = { cert: pki.server.chain, key: pki.server.key }
  const { settings } = testConfig(pki, topology, {
    tls: {
      certificates: [
        { ...files, certFile: 'rsa.pem', keyFile: 'rsa.key' },
        { ...files, certFile: 'ec.pem', keyFile: 'ec.key' }
      ]
    },
    upstream: {
      tls: {
        ca: upstream.bundle,
        caFile: 'masters.pem',
        client: { cert: client.chain, key: client.key, certFile: 'lb.pem', keyFile: 'lb.key' },
        serverName: undefined,
        verify: true
      }
    }
  })
  t.same(rolesOf(settings), [
    'server rsa.pem',
    'server-2 ec.pem',
    'ca-1 ca.pem',
    'ca-2 ca.pem',
    'upstream-ca-1 masters.pem',
    'upstream-ca-2 masters.pem',
    'upstream-client lb.pem'
  ])
})

t.test('an intermediate that is shown to agents and is not in tls.ca is as well', async t => {
  const other = await createTestPki()
  const { settings } = testConfig(other, topology, { tls: { ca: pki.authority.bundle } })
  t.same(rolesOf(settings), [
    'server server.pem',
    'server-intermediate-1 server.pem',
    'ca-1 ca.pem',
    'ca-2 ca.pem'
  ])
})

t.test('so is what masters and the CA showed, and the next update of the lists', async t => {
  const { settings } = testConfig(pki, topology)
  const presented = createPresentedCertificates()
  const members = [
    { name: 'm1', url: 'https://m1.example.com' },
    { name: 'ca', url: 'https://ca.example.com' },
    { name: 'gone', url: 'https://gone.example.com' }
  ]
  for (const [index, each] of members.entries()) presented.add(each, (index + 1) * dayMs)
  const crl = { nextUpdateMs: 9 * dayMs, source: 'crl.pem' }
  const ends = certificateEndsOf(settings, { presented: presented.of(members.slice(0, 2)), crl }).slice(-3)
  t.match(ends, [
    { role: 'master-m1', notAfter: new Date(dayMs), source: 'https://m1.example.com' },
    { role: 'ca-master', notAfter: new Date(2 * dayMs), source: 'https://ca.example.com' },
    { role: 'crl', notAfter: new Date(9 * dayMs), source: 'crl.pem' }
  ])
  t.same(presented.of(members).length, 2, 'who left is forgotten')
})

t.test('a CA beside which its renewal stands has an heir, wherever in the file', async t => {
  const renewed = await renewAuthority(pki.authority, () => Date.now() + 365 * dayMs)
  for (const ca of [pki.authority.bundle + renewed.bundle, renewed.bundle + pki.authority.bundle]) {
    const cas = certificateEndsOf(testConfig(pki, topology, { tls: { ca } }).settings, none).filter(
      ({ role }) => role.startsWith('ca-')
    )
    const last = Math.max(...cas.map(({ notAfter }) => notAfter.getTime()))
    t.equal(cas.length, 4)
    for (const { notAfter, hasHeir } of cas) t.equal(hasHeir, notAfter.getTime() < last)
  }
})

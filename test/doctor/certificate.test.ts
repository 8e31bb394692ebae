import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { checkBundle, checkEnds, checkOwn, checkShown } from '../../src/doctor/checks/certificate.ts'
import { compareLists } from '../../src/doctor/checks/revocation.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { createTestPki } from '../support/balancer.ts'
import { inShort } from '../support/doctor-site.ts'
import { memberFacts, siteFacts } from './facts.ts'

const DAY_MS = 86_400_000
const nowMs = Date.now()
const pki = await createTestPki()
const ca = pki.authority.bundle
const authorities = authoritiesOf(ca)
const ours = { certificates: [{ cert: pki.server.chain, certFile: 'server.pem' }], ca }
const short = (findings: readonly Finding[]) => findings.map(inShort)

const listsOf = (pem: string) => readRevocations(Buffer.from(pem), authorities, nowMs)

t.test('our own certificate is in order when the CA signed it and has not revoked it', async t => {
  t.same(checkOwn(ours, listsOf(await pki.authority.crl()), nowMs), [])
  const revoked = listsOf(await pki.authority.crl({ revoked: [pki.server.serial] }))
  t.match(checkOwn(ours, revoked, nowMs), [{ level: 'error', subject: 'tls.cert', message: /has revoked/ }])
})

t.test('a chain that is broken, or ends at a CA that is over, is found', async t => {
  const [stranger] = authoritiesOf((await createAuthority()).bundle)
  const broken = {
    ...ours,
    certificates: [{ cert: pki.server.cert + stranger?.certificate, certFile: 's.pem' }]
  }
  t.match(checkOwn(broken, [], nowMs), [{ message: /is not signed by the one behind it/ }])
  t.match(checkOwn(ours, [], nowMs + 20 * 365 * DAY_MS), [{ subject: 'tls.ca', message: /has expired/ }])
})

t.test('what ends within thirty days is told, and how to renew it', async t => {
  const end = (role: string, days: number) => ({
    role,
    notAfter: new Date(nowMs + days * DAY_MS),
    source: 'f'
  })
  t.same(checkEnds([end('server', 31)], nowMs), [])
  const [server, authority] = checkEnds([end('server', 10.5), end('ca-1', -1)], nowMs)
  t.match(server, { level: 'warning', message: /in 10 days/, remedy: /puppetserver ca generate/ })
  t.match(authority, { message: /ended on/, remedy: /its key as it is/ })
})

t.test('a certificate that a master shows and nobody believes is described', async t => {
  const certificate = new X509Certificate(pki.server.cert)
  const trouble = { kind: 'tls-verify', text: 'its certificate is for another name' } as const
  const [finding] = checkShown(siteFacts([{ certificate, trouble }]), nowMs)
  t.match(finding, { level: 'error', message: /CN=puppet\.example\.com.*DNS:puppet\.example\.com/ })
  t.same(checkShown(siteFacts([{ certificate }]), nowMs), [])
})

t.test(
  'a bundle of the CA that has more than tls.ca is found, one that cannot be read is not judged',
  async t => {
    const site = (bundle: string | undefined) =>
      siteFacts([], { ca: memberFacts({ name: 'ca', documents: { bundle, list: undefined } }) })
    const [intermediate] = authorities
    t.same(checkBundle(site(ca), ca), [])
    t.match(checkBundle(site(ca), String(intermediate?.certificate)), [
      { message: /lacks a certificate of the CA/ }
    ])
    t.match(checkBundle(site((await createAuthority()).bundle), ca), [{ message: /is another CA/ }])
    for (const bundle of [undefined, '', '<html>', ca.slice(0, 100)])
      t.same(checkBundle(site(bundle), ca), [])
  }
)

t.test('the CA’s own list is compared by what it names, and a fresh one is given time', async t => {
  const stolen = ['0A', '0B']
  const at = (days: number) => new Date(nowMs - days * DAY_MS)
  const before = listsOf(await pki.authority.crl({ revoked: ['0A'], thisUpdate: at(3) }))
  const compare = (pem: string, rest: { isServed?: boolean; isExpected?: boolean } = {}) =>
    short(
      compareLists(
        before,
        { from: 'ca', bytes: Buffer.from(pem), isServed: true, isExpected: true, ...rest },
        authorities,
        nowMs
      )
    )
  t.same(compare(await pki.authority.crl({ revoked: ['0A'], thisUpdate: at(1) })), [])
  t.same(compare(await pki.authority.crl({ revoked: stolen, thisUpdate: at(1) })), ['error revocation ca'])
  t.same(compare(await pki.authority.crl({ revoked: stolen, thisUpdate: new Date(nowMs - 1_000) })), [])
  t.same(compare('<html>'), ['warning revocation ca'])
  t.same(compare('<html>', { isExpected: false }), [], 'left from another CA')
})

t.test('a short list that the CA serves is told as what it is', async t => {
  const short = await pki.authority.crl({ revoked: [], thisUpdate: new Date(nowMs - DAY_MS) })
  const full = listsOf(await pki.authority.crl({ revoked: ['0A'], thisUpdate: new Date(nowMs - 2 * DAY_MS) }))
  const theirs = { from: 'ca', bytes: Buffer.from(short), isServed: true, isExpected: true }
  t.match(compareLists(full, theirs, authorities, nowMs), [{ level: 'note', message: /enable-infra-crl/ }])
})

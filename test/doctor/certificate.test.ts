import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { checkBundle, checkEnds, checkOwn, checkShown } from '../../src/doctor/checks/certificate.ts'
import { checkNames } from '../../src/doctor/checks/names.ts'
import { checkRenewal, checkStanding } from '../../src/doctor/checks/own-standing.ts'
import { enrolledBy } from '../../src/doctor/new-certificate.ts'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { createTestPki } from '../support/balancer.ts'
import { memberFacts, siteFacts } from './facts.ts'

const DAY_MS = 86_400_000
const nowMs = Date.now()
const pki = await createTestPki()
const ca = pki.authority.bundle
const authorities = authoritiesOf(ca)
const ours = { certificates: [{ cert: pki.server.chain, certFile: 'server.pem' }], ca }
/** No file of these came by enrolling. */
const byHand = enrolledBy(undefined, 'puppet-lb.yaml')

const listsOf = (pem: string) => readRevocations(Buffer.from(pem), authorities, nowMs)

t.test('our own certificate is in order when the CA signed it and has not revoked it', async t => {
  t.same(checkOwn(ours, listsOf(await pki.authority.crl()), byHand, nowMs), [])
  const revoked = listsOf(await pki.authority.crl({ revoked: [pki.server.serial] }))
  t.match(checkOwn(ours, revoked, byHand, nowMs), [
    { level: 'error', subject: 'tls.cert', message: /has revoked/ }
  ])
})

t.test('a chain that is broken, or ends at a CA that is over, is found', async t => {
  const [stranger] = authoritiesOf((await createAuthority()).bundle)
  const broken = {
    ...ours,
    certificates: [{ cert: pki.server.cert + stranger?.certificate, certFile: 's.pem' }]
  }
  t.match(checkOwn(broken, [], byHand, nowMs), [{ message: /is not signed by the one behind it/ }])
  t.match(checkOwn(ours, [], byHand, nowMs + 20 * 365 * DAY_MS), [
    { subject: 'tls.ca', message: /has expired/ }
  ])
})

t.test('what ends within thirty days is told, and how to renew it', async t => {
  const end = (role: string, days: number) => ({
    role,
    notAfter: new Date(nowMs + days * DAY_MS),
    source: 'f'
  })
  t.same(checkEnds([end('server', 31)], byHand, nowMs), [])
  const [server, authority, client] = checkEnds(
    [end('server', 10.5), end('ca-1', -1), end('upstream-client', 1)],
    byHand,
    nowMs
  )
  t.match(server, { level: 'warning', message: /in 10 days/, remedy: /puppetserver ca generate/ })
  t.match(authority, { message: /ended on/, remedy: /its key as it is/ })
  t.match(client, { remedy: /for this hop.*ssl-ca-cert of each master/ }, 'nobody at the CA makes that one')
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
      siteFacts([], {
        ca: memberFacts({ name: 'ca', documents: { bundle, list: undefined, fullListEnds: undefined } })
      })
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

t.test(
  'of an enrolled certificate every remedy is to enrol, with the names and places of this one',
  async t => {
    const enroll = {
      ...{ name: 'puppet.example.com', altNames: [], caFingerprint: undefined, keyType: 'ecdsa' as const },
      directory: '/etc/puppet-lb/tls'
    } as const
    const by = enrolledBy(enroll, '/etc/puppet-lb/puppet-lb.yaml')
    const certFile = '/etc/puppet-lb/tls/cert.pem'
    const anew =
      /puppetserver ca clean --certname puppet\.example\.com \(on the CA\).*\/etc\/puppet-lb\/tls\/old, puppet-lb enroll --config \/etc\/puppet-lb\/puppet-lb\.yaml.*403/
    const own = { ca, certificates: [{ cert: pki.server.chain, certFile }] }
    const revoked = listsOf(await pki.authority.crl({ revoked: [pki.server.serial] }))
    t.match(checkOwn(own, revoked, by, nowMs), [{ message: /has revoked/, remedy: anew }])
    const strange = await (await createAuthority()).issue({ certname: 'puppet.example.com' })
    const foreign = { ca, certificates: [{ cert: strange.chain, certFile }] }
    t.match(checkOwn(foreign, [], by, nowMs), [{ message: /no CA of tls\.ca has signed/, remedy: anew }])
    const elsewhere = { ca, certificates: [{ cert: pki.server.chain, certFile: '/elsewhere/cert.pem' }] }
    t.match(
      checkOwn(elsewhere, revoked, by, nowMs),
      [{ remedy: /puppetserver ca generate/ }],
      'another is not'
    )

    const soon = { role: 'server', notAfter: new Date(nowMs + DAY_MS), source: certFile }
    t.same(checkEnds([soon], by, nowMs), [], 'whether it is renewed is looked at by itself')
    t.match(checkEnds([{ ...soon, role: 'ca-1', source: '/etc/puppet-lb/tls/ca.pem' }], by, nowMs), [
      { remedy: /follows it here by itself/ }
    ])
    const names = { asked: [], usual: ['puppet'] }
    t.match(
      checkNames(names, () => false, by(certFile)),
      [{ remedy: /^Add puppet to enroll\.altNames.*puppet-lb enroll --config/ }]
    )
  }
)

t.test('an enrolled certificate is told of when it is not renewed in time, and not before', async t => {
  const enroll = {
    name: 'lb',
    altNames: [],
    caFingerprint: undefined,
    keyType: 'ecdsa',
    directory: '/d'
  } as const
  const by = enrolledBy(enroll, 'f')
  const checked = async (days: number, standing?: Parameters<typeof checkRenewal>[2]) => {
    const notAfter = new Date(nowMs + days * DAY_MS)
    const notBefore = new Date(nowMs - 5 * 365 * DAY_MS)
    const { cert } = await pki.authority.issue({ certname: 'lb', notBefore, notAfter })
    return checkRenewal([{ cert, certFile: '/d/cert.pem' }], by, standing, nowMs)
  }
  t.same(await checked(29), [], 'a balancer may be about to renew it')
  t.match(await checked(5), [
    { level: 'warning', subject: 'tls.cert', remedy: /puppet-lb enroll --config f --renew/ }
  ])
  t.same(await checked(5, { state: 'renewal-due', cause: 'why' }), [], 'then it is told with its cause')
  t.equal((await checked(5, { state: 'good', cause: null })).length, 1)
})

t.test(
  'what a running balancer says of its own certificate is a fault, with its way out as the remedy',
  async t => {
    t.same(checkStanding({ state: 'good', cause: null }), [])
    t.same(checkStanding({ state: 'cleaned', cause: 'the CA has none any more. A new one: enrol' }), [
      {
        ...{ level: 'error', check: 'certificate', subject: 'tls.cert' },
        ...{ message: 'the CA has none any more.', remedy: 'A new one: enrol.' }
      }
    ])
    t.match(checkStanding({ state: 'renewal-due', cause: 'it ends soon: sign it' }), [
      { level: 'warning', message: 'it ends soon: sign it.', remedy: /puppet-lb status/ }
    ])
    for (const state of ['expired', 'revoked', 'replaced'] as const)
      t.match(checkStanding({ state, cause: 'why' }), [{ level: 'error' }])
  }
)

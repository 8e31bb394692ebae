import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { certificatesOf } from '../../src/pki/authorities.ts'
import { fingerprintOf, readFingerprint } from '../../src/pki/fingerprint.ts'
import { mayFollow, vouchingOf } from '../../src/pki/vouching.ts'
import { createAuthority, renewAuthority } from '../../src/simulation/certificates.ts'

const authority = await createAuthority()
const stranger = await createAuthority()
const [intermediate, root] = certificatesOf(authority.bundle) as [X509Certificate, X509Certificate]

const vouching = (pem: string, fingerprint: string) => vouchingOf(pem, certificatesOf(pem), fingerprint)

t.test('a fingerprint is understood as openssl and puppet print it, and as one writes it', async t => {
  const plain = 'ab'.repeat(32)
  const wanted = Array(32).fill('AB').join(':')
  for (const written of [
    plain,
    wanted,
    ` ${wanted}\n`,
    `sha256 Fingerprint=${wanted}`,
    `SHA256 Fingerprint=${wanted}`,
    `(SHA256) ${wanted}`
  ])
    t.equal(readFingerprint(written), wanted, written)
  for (const written of ['', plain.slice(2), `${plain}ab`, 'zz'.repeat(32), `SHA1 Fingerprint=${wanted}`])
    t.equal(readFingerprint(written), undefined, written)
})

t.test('the fingerprint of any certificate vouches for those above it and below it', async t => {
  for (const { fingerprint256 } of [intermediate, root])
    t.same(vouching(authority.bundle, fingerprint256), { result: 'vouched' })
  t.same(vouching(authority.bundle, fingerprintOf(authority.bundle)), { result: 'vouched' }, 'or the whole')
  const lone = await createAuthority({ intermediate: false })
  t.same(vouching(lone.bundle, new X509Certificate(lone.bundle).fingerprint256), { result: 'vouched' })
})

t.test('it vouches for an heir of the same key, which the old certificate signed as well', async t => {
  const heir = await renewAuthority(authority)
  t.same(vouching(authority.bundle + heir.bundle, root.fingerprint256), { result: 'vouched' })
})

t.test('it vouches for nobody else in the bundle', async t => {
  const { result, ...rest } = vouching(authority.bundle + stranger.bundle, root.fingerprint256)
  t.equal(result, 'strangers')
  t.match(rest, { strangers: certificatesOf(stranger.bundle).map(({ subject }) => ({ subject })) })
  t.same(vouching(stranger.bundle, root.fingerprint256), { result: 'unknown' })
  const all = authority.bundle + stranger.bundle
  t.same(vouching(all, fingerprintOf(all)), { result: 'vouched' }, 'unless it is that of the whole')
})

t.test('a bundle may follow another that knows all of it, and loses no key', async t => {
  const heir = await renewAuthority(authority)
  const [now, heirs, others] = [authority, heir, stranger].map(({ bundle }) => certificatesOf(bundle)) as [
    X509Certificate[],
    X509Certificate[],
    X509Certificate[]
  ]
  t.ok(mayFollow(now, heirs), 'the same keys')
  t.ok(mayFollow(now, [...now, ...heirs]), 'both')
  t.ok(mayFollow([root], now), 'an intermediate more')
  t.notOk(mayFollow(now, others))
  t.notOk(mayFollow(now, [...heirs, ...others]))
  t.notOk(mayFollow(now, [root]), 'an intermediate less')
  t.notOk(mayFollow([intermediate], now), 'somebody above it who was not known')
})

import { constants, generateKeyPairSync, type KeyObject, sign, type X509Certificate } from 'node:crypto'
import t from 'tap'
import { type Authority, authoritiesOf } from '../../src/pki/authorities.ts'
import { CrlError, readRevocations } from '../../src/pki/crl.ts'
import { formatPem, readPemOf } from '../../src/pki/pem.ts'
import { revocationKey } from '../../src/pki/revocation.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { disguises } from './disguises.ts'
import { rewrittenList } from './rewritten-list.ts'

const authority = await createAuthority()
const authorities = authoritiesOf(authority.bundle)
const revoked = ['0A', 'FF01', '7f'.repeat(16), 'FEDCBA9876543210']
const thisUpdate = new Date(Date.UTC(2026, 0, 1))
const nextUpdate = new Date(Date.UTC(2026, 5, 1))
const pem = await authority.crl({ revoked, thisUpdate, nextUpdate })
const stranger = await createAuthority()

for (const [how, disguise] of Object.entries(disguises)) {
  t.test(`lists are read ${how}`, async t => {
    const read = readRevocations(disguise(pem), authorities)
    const keyId = authorities.find(({ keyId }) => read.revoked.has(revocationKey(keyId, '0a')))?.keyId ?? ''
    t.same(read, {
      revoked: new Set(revoked.map(serial => revocationKey(keyId, serial))),
      entries: 4,
      thisUpdateMs: thisUpdate.getTime(),
      nextUpdateMs: nextUpdate.getTime(),
      number: '1',
      signers: new Set(authorities.map(({ keyId }) => keyId))
    })
  })
}

t.test('a list without entries revokes nobody', async t => {
  const read = readRevocations(await authority.crl(), authorities)
  t.equal(read.entries, 0)
  t.equal(read.revoked.size, 0)
})

t.test('of several lists the oldest date and the highest number count', async t => {
  const later = await authority.crl({ thisUpdate: nextUpdate })
  const read = readRevocations(`${later}${pem}`, authorities)
  t.equal(read.thisUpdateMs, thisUpdate.getTime())
  t.equal(read.nextUpdateMs, nextUpdate.getTime())
  t.ok(Number(read.number) > 1)
})

t.test('a list that is out of date still counts', async t => {
  const old = await authority.crl({ revoked: ['0A'], thisUpdate: new Date(0), nextUpdate: new Date(1000) })
  t.equal(readRevocations(old, authorities).entries, 1)
})

t.test('lists of RSA authorities count too, beside others', async t => {
  const rsa = await createAuthority({ keyType: 'rsa2048' })
  const both = `${pem}${await rsa.crl({ revoked: ['0B'] })}`
  t.equal(readRevocations(both, authoritiesOf(authority.bundle + rsa.bundle)).entries, 5)
})

const problems: Readonly<Record<string, readonly [text: string, problems: readonly (string | RegExp)[]]>> = {
  'an empty file': ['', ['holds no PEM block "X509 CRL"']],
  'a file of certificates': [authority.bundle, ['holds no PEM block "X509 CRL"']],
  'half a list': [pem.slice(0, 200), ['holds a PEM block "X509 CRL" that is begun and not ended']],
  'a list of another CA': [
    await stranger.crl(),
    [
      /^holds the list of "CN=Puppet CA: .*", which no CA of tls\.ca signed$/,
      /^holds the list of "CN=.*", which no CA of tls\.ca signed$/
    ]
  ],
  'a block that is no list': [
    formatPem('X509 CRL', readPemOf(authority.bundle, 'CERTIFICATE').blocks[0]?.der ?? Buffer.alloc(0)),
    ['holds a damaged list']
  ]
}

for (const [what, [text, expected]] of Object.entries(problems)) {
  t.test(`${what} is refused with every problem`, async t => {
    const error = t.throws(() => readRevocations(text, authorities))
    t.ok(error instanceof CrlError)
    t.match((error as unknown as CrlError).problems, expected)
  })
}

t.test('a list changed in one bit is refused, whichever bit', async t => {
  const [block] = readPemOf(pem, 'X509 CRL').blocks
  const der = block?.der ?? Buffer.alloc(0)
  for (let at = 0; at < der.length; at++) {
    const changed = Buffer.from(der)
    changed[at] = (changed[at] ?? 0) ^ 1
    t.throws(() => readRevocations(formatPem('X509 CRL', changed), authorities), CrlError, `byte ${at}`)
  }
})

t.test('a list cut anywhere is refused, and so is one with bytes behind it', async t => {
  const [block] = readPemOf(pem, 'X509 CRL').blocks
  const der = block?.der ?? Buffer.alloc(0)
  for (let length = 1; length < der.length; length++) {
    t.throws(() => readRevocations(formatPem('X509 CRL', der.subarray(0, length)), authorities), CrlError)
  }
  const longer = Buffer.concat([der, Buffer.alloc(1)])
  t.throws(() => readRevocations(formatPem('X509 CRL', longer), authorities), CrlError)
})

/** The list of the CA that signs agents' certificates, which names one. */
const oneEntry = (await authority.crl({ revoked: ['0A'] }))
  .split(/(?<=END X509 CRL-----\n)/)
  .find(list => readRevocations(list, authorities).entries === 1) as string

t.test('200,000 entries are read', async t => {
  const key = authority.save().at(-1)?.key ?? ''
  const list = rewrittenList(oneEntry, { count: 200_000, sign: signed => sign('sha256', signed, key) })
  const { entries, revoked, signers } = readRevocations(list, authorities)
  t.equal(entries, 200_000)
  const [keyId = ''] = signers
  t.ok(revoked.has(revocationKey(keyId, '1')) && revoked.has(revocationKey(keyId, (200_000).toString(16))))
  t.notOk(revoked.has(revocationKey(keyId, (200_001).toString(16))))
})

interface Scheme {
  /** DER of the AlgorithmIdentifier, hexadecimal. */
  readonly algorithm: string
  readonly keys: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly sign: (signed: Buffer, key: KeyObject) => Buffer
}

const schemes: Readonly<Record<string, Scheme>> = {
  Ed25519: {
    algorithm: '300506032b6570',
    keys: () => generateKeyPairSync('ed25519'),
    sign: (signed, key) => sign(null, signed, key)
  },
  'RSA-PSS': {
    algorithm:
      '304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d' +
      '06096086480165030402010500a203020120',
    keys: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    sign: (signed, key) =>
      sign('sha256', signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
  }
}

for (const [name, scheme] of Object.entries(schemes)) {
  t.test(`a list signed with ${name} counts for the CA that signed it, and for no other`, async t => {
    const { publicKey, privateKey } = scheme.keys()
    const list = rewrittenList(oneEntry, {
      algorithm: Buffer.from(scheme.algorithm, 'hex'),
      sign: signed => scheme.sign(signed, privateKey)
    })
    const withKey = (publicKey: KeyObject): Authority => ({
      keyId: 'own',
      certificate: { publicKey } as X509Certificate
    })
    t.same([...readRevocations(list, [...authorities, withKey(publicKey)]).revoked], ['own:A'])
    t.throws(() => readRevocations(list, [...authorities, withKey(scheme.keys().publicKey)]), CrlError)
  })
}

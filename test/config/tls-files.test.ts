import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { importKeyPair } from '../../src/pki/key-pair.ts'
import { createCertificateRequest } from '../../src/simulation/certificate-request.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { disguises } from '../pki/disguises.ts'
import { authority, ca, masters, minimal, pemFiles, problemsOf, settingsOf } from './fixture.ts'

const file = 'puppet-lb.yaml'
const certname = 'puppet.example.com'
const other = await authority.issue({ certname })
const rsa = await authority.issue({ certname, keyType: 'rsa2048' })
const stranger = await createAuthority({ intermediate: false })
const strangersCertificate = await stranger.issue({ certname })

/** A configuration whose line 1 is this `tls`. */
function withTls(tls: string, more = ''): string {
  return `tls: { ${tls} }\n${ca}\n${masters}\n${more}`
}

const usual = 'cert: server.pem, key: server.key, ca: ca.pem'

t.test('certificate, key and CA are read from beside the file', async t => {
  const { tls } = settingsOf(t, minimal())
  t.match(tls.certificates, [{ certFile: /^\/.*\/server\.pem$/, keyFile: /^\/.*\/server\.key$/ }])
  t.equal(tls.certificates[0]?.cert, pemFiles['server.pem'])
  t.equal(tls.certificates[0]?.key, pemFiles['server.key'])
  t.equal(tls.ca, pemFiles['ca.pem'])
  t.match(tls.caFile, /^\/.*\/ca\.pem$/)
  t.equal(tls.crl, undefined)
})

t.test('an RSA certificate may stand beside an ECDSA one', async t => {
  const yaml = withTls('cert: [server.pem, rsa.pem], key: [server.key, rsa.key], ca: ca.pem')
  const { tls } = settingsOf(t, yaml, { files: { 'rsa.pem': rsa.chain, 'rsa.key': rsa.key } })
  t.same(
    tls.certificates.map(({ key }) => createPrivateKey(key).asymmetricKeyType),
    ['ec', 'rsa']
  )
})

t.test('a certificate of another CA than the agents may be shown', async t => {
  const files = { 'server.pem': strangersCertificate.chain, 'server.key': strangersCertificate.key }
  t.same(problemsOf(t, minimal(), { files }), [])
})

t.test('certificate and key may share a file, and only the key is taken for the key', async t => {
  const both = `${pemFiles['server.pem']}${pemFiles['server.key']}`
  const { tls } = settingsOf(t, withTls('cert: both.pem, key: both.pem, ca: ca.pem'), {
    files: { 'both.pem': both }
  })
  t.equal(tls.certificates[0]?.cert, pemFiles['server.pem'])
  t.equal(tls.certificates[0]?.key, pemFiles['server.key'])
})

t.test('masters are verified with the Puppet CA unless the file names another', async t => {
  t.equal(settingsOf(t, minimal()).upstream.tls.ca, pemFiles['ca.pem'])
  const files = { 'masters-ca.pem': stranger.bundle }
  const own = settingsOf(t, minimal('upstream: { tls: { ca: masters-ca.pem } }'), { files })
  t.equal(own.upstream.tls.ca, stranger.bundle)
  t.equal(own.tls.ca, pemFiles['ca.pem'])
})

t.test('masters may be shown a certificate', async t => {
  const yaml = minimal('upstream: { tls: { cert: server.pem, key: server.key } }')
  t.equal(settingsOf(t, yaml).upstream.tls.client?.key, pemFiles['server.key'])
  t.equal(settingsOf(t, minimal()).upstream.tls.client, undefined)
})

t.test('revocation lists come from a file, from the CA, or from both', async t => {
  const crlOf = (crl: string, more = '') => settingsOf(t, withTls(`${usual}, crl: { ${crl} }`, more)).tls.crl
  t.match(crlOf('fetch: true'), { file: undefined, fetch: true, directory: undefined })
  t.match(crlOf('fetch: true, directory: lists'), { directory: /^\/.*\/lists$/ })
  t.match(crlOf('fetch: true', 'state: { directory: state }'), { directory: /^\/.*\/state$/ })
  t.match(crlOf('fetch: true, file: crl.pem'), { file: /^\/.*\/crl\.pem$/, fetch: true })
  t.match(crlOf('file: crl.pem'), { fetch: false, directory: undefined })
  t.match(crlOf('file: crl.pem', 'state: { directory: state }'), { fetch: false, directory: /^\/.*\/state$/ })
  t.match(problemsOf(t, withTls(`${usual}, crl: { refresh: 2m }`)), [
    /^puppet-lb\.yaml:1:\d+ tls\.crl: says nowhere to get lists from; must have the key file, or `fetch: true`, or both$/
  ])
})

t.test('the revocation lists of a chain are accepted', async t => {
  const { tls } = settingsOf(t, withTls(`${usual}, crl: { file: crl.pem }`))
  t.match(tls.crl, { file: /^\/.*\/crl\.pem$/, refreshMs: 60_000 })
})

for (const [how, disguise] of Object.entries(disguises)) {
  t.test(`certificate, key, CA and revocation lists may come ${how}`, async t => {
    const files = Object.fromEntries(Object.entries(pemFiles).map(([name, pem]) => [name, disguise(pem)]))
    const yaml = withTls(`${usual}, crl: { file: crl.pem }`, 'upstream: { tls: { ca: ca.pem } }')
    const { tls, upstream } = settingsOf(t, yaml, { files })
    t.equal(tls.certificates[0]?.cert, pemFiles['server.pem'])
    t.equal(tls.certificates[0]?.key, pemFiles['server.key'])
    t.equal(tls.ca, pemFiles['ca.pem'])
    t.equal(upstream.tls.ca, pemFiles['ca.pem'])
  })
}

const encrypted = createPrivateKey(pemFiles['server.key'])
const pkcs8 = encrypted.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
const sec1 = encrypted.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
const encryptedSentence =
  'names KEY, a key encrypted with a passphrase, which nobody is there to type; must be a key that is not ' +
  'encrypted (openssl pkey -in ENCRYPTED -out PLAIN makes one)'

const short = importKeyPair(
  String(
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  )
)
const shortSigned = await authority.sign(await createCertificateRequest({ certname }, short))

const [leaf = '', intermediate = ''] = pemFiles['server.pem'].split(/(?<=-----END CERTIFICATE-----\n)/)
const damaged = (pem: string) => pem.replace(/\n.*\n/, '\nAAAA\n')

interface Mistake {
  readonly files?: Readonly<Record<string, string>>
  readonly tls?: string
  /** Without `FILE:`. A file it names is in the directory of the configuration. */
  readonly problems: readonly string[]
}

const mistakes: Readonly<Record<string, Mistake>> = {
  'a certificate that is not there': {
    tls: 'cert: nope.pem, key: server.key, ca: ca.pem',
    problems: [
      '1:14 tls.cert: is "nope.pem", but there is no file at nope.pem; must be a file this user can read'
    ]
  },
  'a key that is not there': {
    tls: 'cert: server.pem, key: nope.key, ca: ca.pem',
    problems: [
      '1:31 tls.key: is "nope.key", but there is no file at nope.key; must be a file this user can read'
    ]
  },
  'a CA that is not there': {
    tls: 'cert: server.pem, key: server.key, ca: nope/ca.pem',
    problems: [
      '1:47 tls.ca: is "nope/ca.pem", but there is no file at nope/ca.pem; must be a file this user can read'
    ]
  },
  'a directory for a file': {
    tls: 'cert: server.pem, key: server.key, ca: /',
    problems: [
      '1:47 tls.ca: is "/", but there is a directory, not a file, at /; must be a file this user can read'
    ]
  },
  'a certificate that is not PEM': {
    files: { 'server.pem': 'hello' },
    problems: [
      '1:14 tls.cert: names server.pem, which holds no PEM block "CERTIFICATE"; must be a PEM certificate'
    ]
  },
  'a certificate that is damaged': {
    files: { 'server.pem': damaged(leaf) },
    problems: [
      '1:14 tls.cert: names server.pem, in which a certificate is damaged; must be a PEM certificate'
    ]
  },
  'half a certificate': {
    files: { 'server.pem': leaf + intermediate.slice(0, -40) },
    problems: [
      '1:14 tls.cert: names server.pem, which holds a PEM block "CERTIFICATE" that is begun and not ended; must be a PEM certificate'
    ]
  },
  'half a key': {
    files: { 'server.key': pemFiles['server.key'].slice(0, -40) },
    problems: [
      '1:31 tls.key: names server.key, which holds a PEM block "PRIVATE KEY" that is begun and not ended; must be a PEM private key'
    ]
  },
  'half a revocation list': {
    tls: `${usual}, crl: { file: crl.pem }`,
    files: { 'crl.pem': pemFiles['crl.pem'].slice(0, -40) },
    problems: [
      '1:68 tls.crl.file: names crl.pem, which holds a PEM block "X509 CRL" that is begun and not ended; must be revocation lists, PEM or DER, of the CAs in tls.ca'
    ]
  },
  'a certificate for a key': {
    files: { 'server.key': leaf },
    problems: [
      '1:31 tls.key: names server.key, which holds no PEM block "PRIVATE KEY"; must be a PEM private key'
    ]
  },
  'a key that is damaged': {
    files: { 'server.key': damaged(pemFiles['server.key']) },
    problems: [
      '1:31 tls.key: names server.key, in which the private key is damaged; must be a PEM private key'
    ]
  },
  'an encrypted key': {
    files: { 'server.key': String(pkcs8) },
    problems: [`1:31 tls.key: ${encryptedSentence.replace('KEY', 'server.key')}`]
  },
  'an encrypted key of the older form': {
    files: { 'server.key': String(sec1) },
    problems: [`1:31 tls.key: ${encryptedSentence.replace('KEY', 'server.key')}`]
  },
  'a key of another certificate': {
    files: { 'server.key': other.key },
    problems: [
      '1:31 tls.key: is the key in server.key, which does not belong to the certificate of "CN=puppet.example.com" in server.pem; must be the key that certificate was made for'
    ]
  },
  'a leaf that is not first': {
    files: { 'server.pem': `${intermediate}${leaf}` },
    problems: [
      '1:14 tls.cert: names server.pem, in which the certificate of "CN=puppet.example.com" is not first; must hold it first, then intermediates'
    ]
  },
  'a leaf that is not first, beside a key that is not there': {
    tls: 'cert: server.pem, key: nope.key, ca: ca.pem',
    files: { 'server.pem': `${intermediate}${leaf}` },
    problems: [
      '1:14 tls.cert: names server.pem, in which the certificate of "CN=puppet.example.com" is not first; must hold it first, then intermediates',
      '1:31 tls.key: is "nope.key", but there is no file at nope.key; must be a file this user can read'
    ]
  },
  'fewer keys than certificates': {
    tls: 'cert: [server.pem, rsa.pem], key: server.key, ca: ca.pem',
    problems: ['1:42 tls.key: names 1 key for 2 certificates in tls.cert; must be as many, in the same order']
  },
  'keys in another order than certificates': {
    tls: 'cert: [server.pem, rsa.pem], key: [rsa.key, server.key], ca: ca.pem',
    problems: [
      '1:43 tls.key[0]: is the key in rsa.key, which does not belong to the certificate of "CN=puppet.example.com" in server.pem; must be the key that certificate was made for',
      '1:52 tls.key[1]: is the key in server.key, which does not belong to the certificate of "CN=puppet.example.com" in rsa.pem; must be the key that certificate was made for'
    ]
  },
  'two certificates of one key type': {
    tls: 'cert: [server.pem, other.pem], key: [server.key, other.key], ca: ca.pem',
    problems: [
      '1:27 tls.cert[1]: is a second certificate with a key of type ec; must be one for each key type'
    ]
  },
  'a key that OpenSSL finds too short': {
    files: { 'server.pem': shortSigned.chain, 'server.key': short.pem },
    problems: [
      "1:14 tls.cert: names server.pem, which TLS cannot use (ee key too small); must meet OpenSSL's security level"
    ]
  },
  'a CA bundle that is not PEM': {
    files: { 'ca.pem': '' },
    problems: ['1:47 tls.ca: names ca.pem, which holds no PEM block "CERTIFICATE"; must be a PEM certificate']
  },
  'a leaf in the CA bundle': {
    files: { 'ca.pem': `${authority.bundle}${leaf}` },
    problems: [
      '1:47 tls.ca: names ca.pem, in which the certificate of "CN=puppet.example.com" is not a CA\'s; must hold the certificates of the Puppet CA only'
    ]
  },
  'a revocation list that is not there': {
    tls: `${usual}, crl: { file: nope.pem }`,
    problems: [
      '1:68 tls.crl.file: names nope.pem, which cannot be read, there is no file; must be a file this user can read'
    ]
  },
  'a revocation list that is none': {
    tls: `${usual}, crl: { file: ca.pem }`,
    problems: [
      '1:68 tls.crl.file: names ca.pem, which holds no revocation list; must be revocation lists, PEM or DER, of the CAs in tls.ca'
    ]
  },
  'a revocation list that is damaged': {
    tls: `${usual}, crl: { file: crl.pem }`,
    files: { 'crl.pem': damaged((await stranger.crl()).trim()) },
    problems: [
      '1:68 tls.crl.file: names crl.pem, which holds a damaged list; must be revocation lists, PEM or DER, of the CAs in tls.ca'
    ]
  }
}

for (const [mistake, { files, tls = usual, problems }] of Object.entries(mistakes)) {
  t.test(`${mistake} is told`, async t => {
    const beside = {
      'rsa.pem': rsa.chain,
      'rsa.key': rsa.key,
      'other.pem': other.chain,
      'other.key': other.key
    }
    t.same(
      problemsOf(t, withTls(tls), { files: { ...beside, ...files } }),
      problems.map(problem => `${file}:${problem}`)
    )
  })
}

t.test('a revocation list of another CA is told by its issuer', async t => {
  const files = { 'crl.pem': `${pemFiles['crl.pem']}${await stranger.crl()}` }
  const problems = problemsOf(t, withTls(`${usual}, crl: { file: crl.pem }`), { files })
  t.match(problems, [
    / tls\.crl\.file: names crl\.pem, which holds the list of "CN=Puppet CA: puppet .*", which no CA of tls\.ca signed; must be revocation lists, PEM or DER, of the CAs in tls\.ca$/
  ])
})

t.test('lists signed with RSA are checked as well', async t => {
  const rsaAuthority = await createAuthority({ keyType: 'rsa2048' })
  const files = { 'ca.pem': rsaAuthority.bundle, 'crl.pem': await rsaAuthority.crl() }
  t.same(problemsOf(t, withTls(`${usual}, crl: { file: crl.pem }`), { files }), [])
  const mixed = { ...files, 'ca.pem': authority.bundle }
  t.equal(problemsOf(t, withTls(`${usual}, crl: { file: crl.pem }`), { files: mixed }).length, 2)
})

t.test('a master CA that cannot be read is told under its own key', async t => {
  const yaml = minimal('upstream: { tls: { ca: nope.pem, cert: server.pem, key: other.key } }')
  t.match(problemsOf(t, yaml, { files: { 'other.key': other.key } }), [
    / upstream\.tls\.ca: is "nope\.pem", but there is no file/,
    / upstream\.tls\.key: is the key in other\.key, which does not belong/
  ])
})

t.test('what masters are verified with need not be a CA', async t => {
  const files = { 'master.pem': strangersCertificate.cert }
  t.same(problemsOf(t, minimal('upstream: { tls: { ca: master.pem } }'), { files }), [])
})

const noon = Date.UTC(2030, 0, 1, 12)
const hour = 3_600_000
const dated = await authority.issue({
  certname,
  notBefore: new Date(noon),
  notAfter: new Date(noon + hour)
})

t.test('a certificate must be valid at the moment of reading', async t => {
  const files = { 'server.pem': dated.chain, 'server.key': dated.key }
  const at = (nowMs: number) => problemsOf(t, minimal(), { files, nowMs })
  t.same(at(noon - 1), [
    `${file}:1:14 tls.cert: names server.pem, in which the certificate of "CN=puppet.example.com" is not valid before 2030-01-01T12:00:00.000Z; must be valid now`
  ])
  t.same(at(noon), [])
  t.same(at(noon + hour), [])
  t.same(at(noon + hour + 1), [
    `${file}:1:14 tls.cert: names server.pem, in which the certificate of "CN=puppet.example.com" expired on 2030-01-01T13:00:00.000Z; must be valid now`
  ])
})

t.test('an expired CA may stay beside its heir, but not alone', async t => {
  const nowMs = Date.now() + 16 * 365 * 24 * hour
  const heir = await createAuthority({ wallClock: () => nowMs })
  const fresh = await heir.issue({ certname })
  const server = { 'server.pem': fresh.chain, 'server.key': fresh.key }
  const both = { ...server, 'ca.pem': `${authority.bundle}${heir.bundle}` }
  t.same(problemsOf(t, minimal(), { files: both, nowMs }), [])
  t.match(problemsOf(t, minimal(), { files: server, nowMs }), [
    / tls\.ca: names ca\.pem, in which the certificate of "CN=Puppet CA: .*" expired on .*; at least one must be valid now$/
  ])
})

t.test('of no mistake does a line repeat a key', async t => {
  const secrets = [pemFiles['server.key'], other.key, rsa.key, String(pkcs8)].flatMap(key => key.split('\n'))
  const lines = secrets.filter(line => line !== '' && !line.startsWith('-----'))
  for (const key of [
    other.key,
    String(pkcs8),
    damaged(pemFiles['server.key']),
    `${pemFiles['server.key']}x`
  ]) {
    const files = { 'server.key': key, 'ca.pem': key, 'crl.pem': key }
    const printed = problemsOf(t, withTls(`${usual}, crl: { file: crl.pem }`), { files }).join('\n')
    t.ok(printed !== '' && !lines.some(line => printed.includes(line)))
  }
  const asConfiguration = problemsOf(t, pemFiles['server.key']).join('\n')
  t.ok(asConfiguration !== '' && !lines.some(line => asConfiguration.includes(line)))
})

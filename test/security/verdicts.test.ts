import { execFileSync } from 'node:child_process'
import { KeyObject, webcrypto } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator
} from '../../src/pki/x509.ts'
import { newSerial, pemOf } from '../../src/simulation/certifier.ts'
import { createTestPki } from '../support/balancer.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

/** What is odd about a certificate of a chain. */
interface Oddity {
  readonly name?: string
  readonly hash?: 'SHA-1' | 'SHA-256'
  readonly rsaBits?: number
  /** From when until when it is valid, in days from now. */
  readonly days?: readonly [from: number, until: number]
  readonly isCa?: boolean
  readonly pathLength?: number
  readonly extensions?: readonly Extension[]
  /** Says by which key it was signed. */
  readonly isIdentified?: boolean
}

interface Link {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

const dayMs = 24 * 60 * 60 * 1000
const pki = await createTestPki()
const unknown = new Extension('1.2.3.4.5', true, new Uint8Array([5, 0]))

/** A chain from the root down, each link signed by the one before. */
async function chainOf(...oddities: readonly Oddity[]): Promise<Link[]> {
  const links: Link[] = []
  for (const [index, oddity] of oddities.entries())
    links.push(await link(oddity, links.at(-1), index === oddities.length - 1))
  return links
}

async function link(oddity: Oddity, issuer: Link | undefined, isLeaf: boolean): Promise<Link> {
  const {
    name = isLeaf ? 'agent1' : issuer ? 'Intermediate' : 'Root',
    hash = 'SHA-256',
    isIdentified = true
  } = oddity
  const { rsaBits, days = [-1, 30], isCa = !isLeaf, pathLength, extensions = [] } = oddity
  const keys = await generate(rsaBits)
  const signer = issuer?.keys ?? keys
  const subject = `CN=${name}`
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: issuer?.certificate.subjectName ?? subject,
    notBefore: new Date(Date.now() + days[0] * dayMs),
    notAfter: new Date(Date.now() + days[1] * dayMs),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { name: signer.privateKey.algorithm.name, hash },
    extensions: [
      new BasicConstraintsExtension(isCa, pathLength, true),
      ...extensions,
      ...(isIdentified
        ? [
            await SubjectKeyIdentifierExtension.create(keys.publicKey),
            await AuthorityKeyIdentifierExtension.create(signer.publicKey)
          ]
        : [])
    ]
  })
  return { certificate, keys }
}

function generate(rsaBits: number | undefined): Promise<webcrypto.CryptoKeyPair> {
  const usages: webcrypto.KeyUsage[] = ['sign', 'verify']
  if (rsaBits === undefined) {
    return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages)
  }
  const publicExponent = new Uint8Array([1, 0, 1])
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: rsaBits, publicExponent }
  return webcrypto.subtle.generateKey(rsa, true, usages)
}

/** What an agent shows: its certificate with its key, and the CAs between that and the root. */
function shown(links: readonly Link[]) {
  const [leaf, ...above] = links.slice(1).reverse()
  return {
    chain: [leaf, ...above].map(each => pemOf((each as Link).certificate)).join(''),
    key: keyOf(leaf as Link)
  }
}

function keyOf({ keys }: Link): string {
  return String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }))
}

/** What the balancer says to who shows this chain, when its CAs are these. */
async function verdict(
  t: Parameters<typeof startScene>[0],
  agent: { readonly chain: string; readonly key: string },
  ca: string,
  profile: 'modern' | 'legacy' = 'modern'
) {
  const { app, reached } = await startScene(t, { pki, overrides: { tls: { ca, profile } } })
  const raw = await connectRaw(t, pki, app.port, agent, { ciphers: 'DEFAULT:@SECLEVEL=0' })
  const { status, body } = await raw.ask('GET /puppet/v3/node/agent1 HTTP/1.1\r\nHost: puppet\r\n\r\n')
  return {
    status,
    reached: reached(),
    body: body.replace(/^The client certificate was refused: |\. Request \S+$/g, '')
  }
}

const casOf = (links: readonly Link[]) =>
  links
    .slice(0, -1)
    .map(({ certificate }) => pemOf(certificate))
    .join('')

const notOurs = 'it was not issued by the Puppet CA of this load balancer'
const above = (name: string) => `the CA certificate "${name}" above it`
const weak = 'which is too weak; it must be issued anew'
const short = 'which is too short; it needs a new one'

for (const [what, oddities, sentence] of [
  ['a leaf that expired', [{}, {}, { days: [-9, -1] }], 'it has expired'],
  ['an intermediate that expired', [{}, { days: [-9, -1] }, {}], `${above('Intermediate')} has expired`],
  ['a root that expired', [{ days: [-9, -1] }, {}, {}], `${above('Root')} has expired`],
  ['a leaf of the future', [{}, {}, { days: [1, 9] }], 'it is not valid yet; compare the clocks'],
  [
    'an intermediate of the future',
    [{}, { days: [1, 9] }, {}],
    `${above('Intermediate')} is not valid yet; compare the clocks`
  ],
  ['a leaf signed with SHA-1', [{}, {}, { hash: 'SHA-1' }], `it is signed with SHA-1, ${weak}`],
  [
    'an intermediate signed with SHA-1',
    [{}, { hash: 'SHA-1' }, {}],
    `${above('Intermediate')} is signed with SHA-1, ${weak}`
  ],
  ['a leaf with a short key', [{}, {}, { rsaBits: 1024 }], `it has a key of 1024 bits, ${short}`],
  [
    'a CA with a short key',
    [{}, { rsaBits: 1024 }, {}],
    `${above('Intermediate')} has a key of 1024 bits, ${short}`
  ],
  ['a root with a short key', [{ rsaBits: 1024 }, {}], `${above('Root')} has a key of 1024 bits, ${short}`],
  [
    'a leaf with an unknown critical extension',
    [{}, {}, { extensions: [unknown] }],
    'it has the critical extension 1.2.3.4.5, which is not known here'
  ],
  [
    'a CA with an unknown critical extension',
    [{}, { extensions: [unknown] }, {}],
    `${above('Intermediate')} has the critical extension 1.2.3.4.5, which is not known here`
  ],
  [
    'a CA below one that allows none',
    [{ pathLength: 0 }, {}, {}],
    'a CA above it may not have so many others below it'
  ],
  [
    'a certificate for servers',
    [{}, {}, { extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true)] }],
    'it is not for clients, by its key usage'
  ],
  [
    'a leaf signed by another leaf',
    [{}, { isCa: false }, {}],
    "it was issued with a certificate that is not a CA's"
  ]
] as const satisfies readonly (readonly [string, readonly Oddity[], string])[]) {
  t.test(`${what}: ${sentence}`, async t => {
    const links = await chainOf(...oddities)
    t.same(await verdict(t, shown(links), casOf(links)), { status: 403, reached: [], body: sentence })
  })
}

t.test('a good chain passes, a root beside it that signed itself with SHA-1 included', async t => {
  const links = await chainOf({ hash: 'SHA-1' }, {}, {})
  t.equal((await verdict(t, shown(links), casOf(links))).status, 200)
})

t.test('a CA that expired does not matter beside its heir', async t => {
  const links = await chainOf({}, {})
  const [root] = links as [Link, Link]
  const old = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Root',
    keys: root.keys,
    serialNumber: newSerial(),
    notBefore: new Date(Date.now() - 9 * dayMs),
    notAfter: new Date(Date.now() - dayMs),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new BasicConstraintsExtension(true, undefined, true)]
  })
  t.equal((await verdict(t, shown(links), pemOf(old) + casOf(links))).status, 200)
})

t.test('a leaf signed with MD5 is told so', async t => {
  const [root] = (await chainOf({ name: 'Root', rsaBits: 2048 }, {})) as [Link, Link]
  const dir = t.testdir({ 'ca.pem': pemOf(root.certificate), 'ca.key': keyOf(root) })
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'leaf.key',
    '-subj',
    '/CN=agent1',
    '-out',
    'leaf.csr'
  )
  openssl(
    'x509',
    '-req',
    '-md5',
    '-in',
    'leaf.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-set_serial',
    '7',
    '-days',
    '9',
    '-out',
    'leaf.pem'
  )
  const read = (name: string) => execFileSync('cat', [join(dir, name)]).toString()
  const agent = { chain: read('leaf.pem'), key: read('leaf.key') }
  t.equal((await verdict(t, agent, pemOf(root.certificate))).body, `it is signed with MD5, ${weak}`)
  t.equal((await verdict(t, agent, pemOf(root.certificate), 'legacy')).status, 200, 'and passes under legacy')
})

t.test('old hosts with SHA-1 and short keys pass under the legacy profile alone', async t => {
  for (const oddity of [{ hash: 'SHA-1' }, { rsaBits: 1024 }] as const) {
    const links = await chainOf({}, {}, oddity)
    t.equal((await verdict(t, shown(links), casOf(links), 'legacy')).status, 200)
  }
})

t.test('a certificate of a stranger is not ours', async t => {
  const [ours, strangers] = [await chainOf({ name: 'Ours' }, {}), await chainOf({ name: 'Theirs' }, {})]
  t.equal((await verdict(t, shown(strangers), casOf(ours))).body, notOurs)
})

t.test(
  'a certificate of a former CA of the same name is told so, whether it names the key or not',
  async t => {
    for (const isIdentified of [true, false]) {
      const before = await chainOf({ isIdentified }, { isIdentified })
      const now = await chainOf({ isIdentified }, { isIdentified })
      const { status, body } = await verdict(t, shown(before), casOf(now))
      t.equal(status, 403)
      t.match(body, /it was issued by another CA of the same name/)
    }
  }
)

import { constants, generateKeyPairSync, type KeyObject, sign, type X509Certificate } from 'node:crypto'
import t from 'tap'
import { type Authority, authoritiesOf } from '../../src/pki/authorities.ts'
import { type AuthorityList, overviewOf, readRevocations } from '../../src/pki/crl.ts'
import { CrlError } from '../../src/pki/crl-error.ts'
import { derTag } from '../../src/pki/der.ts'
import { formatPem, readPemOf } from '../../src/pki/pem.ts'
import { hasSerial } from '../../src/pki/serials.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { craftList, craftPem, element, extension, integer, manyEntries } from '../support/crafted-list.ts'
import { disguises } from './disguises.ts'
import { authority, craft, entryWith, nowMs, point, refused, root, signer } from './refused-lists.ts'

const authorities = authoritiesOf(authority.bundle)
const revoked = ['0A', 'FF01', '7f'.repeat(16), 'FEDCBA9876543210']
const thisUpdate = new Date(Date.UTC(2026, 0, 1))
const nextUpdate = new Date(Date.UTC(2026, 5, 1))
const pem = await authority.crl({ revoked, thisUpdate, nextUpdate })

const read = (file: string | Buffer, by = authorities, atMs = nowMs) =>
  readRevocations(Buffer.from(file), by, atMs)
/** A serial number as it is looked up: the content of its INTEGER. */
const serial = (value: bigint) => integer(value).subarray(2)
const has = (lists: readonly AuthorityList[], value: bigint) =>
  lists.some(list => hasSerial(list, serial(value)))

for (const [how, disguise] of Object.entries(disguises)) {
  t.test(`lists are read ${how}`, async t => {
    const lists = read(disguise(pem))
    t.same(overviewOf(lists), {
      entries: 4,
      thisUpdateMs: thisUpdate.getTime(),
      nextUpdateMs: nextUpdate.getTime(),
      number: '1'
    })
    for (const each of revoked) t.ok(has(lists, BigInt(`0x${each}`)), each)
    t.same(new Set(lists.map(each => each.authority)), new Set(authorities.map(({ keyId }) => keyId)))
  })
}

t.test('lists are read as DER too, one or several', async t => {
  const ders = readPemOf(pem, 'X509 CRL').blocks.map(({ der }) => der)
  t.equal(overviewOf(read(Buffer.concat(ders))).entries, 4)
  t.equal(read(Buffer.concat(ders)).length, 2)
  t.equal(read(ders[0] ?? '').length, 1)
})

t.test('a list without entries revokes nobody', async t => {
  const lists = read(await authority.crl())
  t.equal(overviewOf(lists).entries, 0)
  t.notOk(has(lists, 1n))
})

t.test('of several lists the oldest date and the highest number count', async t => {
  const newer = new Date(nowMs - 1000)
  const older = craft({ number: 5n, thisUpdate: new Date(0), nextUpdate })
  const lists = read(Buffer.concat([older, craftList({ by: root, number: 9n, thisUpdate: newer })]))
  t.match(overviewOf(lists), { thisUpdateMs: 0, nextUpdateMs: nextUpdate.getTime(), number: '9' })
})

t.test('of several lists by one CA all entries count, and the newest says the rest', async t => {
  const full = craft({ number: 2n, thisUpdate, entries: [{ serial: 1n }, { serial: 2n }] })
  const other = craft({ number: 3n, thisUpdate: nextUpdate, entries: [{ serial: 3n }] })
  for (const file of [Buffer.concat([full, other]), Buffer.concat([other, full])]) {
    const [list] = read(file)
    t.match(list, { entries: 3, number: 3n, thisUpdateMs: nextUpdate.getTime() })
  }
})

t.test('a list that is out of date still counts', async t => {
  const old = await authority.crl({ revoked: ['0A'], thisUpdate: new Date(0), nextUpdate: new Date(1000) })
  t.equal(overviewOf(read(old)).entries, 1)
})

t.test('a date is read in either form, whichever it ought to have', async t => {
  for (const [tag, text, iso] of [
    [derTag.utcTime, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    [derTag.utcTime, '250131235959Z', '2025-01-31T23:59:59.000Z'],
    [derTag.generalizedTime, '20250131235959Z', '2025-01-31T23:59:59.000Z'],
    [derTag.generalizedTime, '20250131235959.25Z', '2025-01-31T23:59:59.250Z']
  ] as const) {
    const [list] = read(craft({ thisUpdate: element(tag, Buffer.from(text)) }))
    t.equal(new Date(list?.thisUpdateMs ?? 0).toISOString(), iso, text)
  }
})

t.test('lists of RSA authorities count too, beside others', async t => {
  const rsa = await createAuthority({ keyType: 'rsa2048' })
  const both = `${pem}${await rsa.crl({ revoked: ['0B'] })}`
  t.equal(overviewOf(read(both, authoritiesOf(authority.bundle + rsa.bundle))).entries, 5)
})

t.test(
  'of many CAs that which a list names is asked first, since its signature is over all of it',
  async t => {
    const many = await Promise.all(Array.from({ length: 20 }, () => createAuthority({ intermediate: false })))
    const asked: string[] = []
    const watched = authoritiesOf(many.map(({ bundle }) => bundle).join('')).map(({ keyId, certificate }) => {
      const { subject } = certificate
      const noted = {
        subject,
        get publicKey() {
          asked.push(subject)
          return certificate.publicKey
        }
      }
      return { keyId, certificate: noted as unknown as X509Certificate }
    })
    const [list] = read((await many.at(-1)?.crl({ revoked: ['0A'] })) ?? '', watched)
    t.equal(list?.authority, watched.at(-1)?.keyId)
    t.same(asked, [watched.at(-1)?.certificate.subject])
  }
)

for (const [what, [reason, file]] of Object.entries(refused)) {
  t.test(`${what} is refused, with its reason`, async t => {
    const error = t.throws(() => read(file)) as unknown as CrlError
    t.ok(error instanceof CrlError, String(error))
    for (const problem of error.problems) {
      t.equal(problem.reason, reason)
      t.match(problem.text, /^holds /)
    }
  })
}

t.test('what limits nothing is no reason to refuse', async t => {
  const known = {
    'a point that says nothing': { extensions: [point('3000')] },
    'a point that says no': { extensions: [point('3006810100840100')] },
    'an unknown extension that is not critical': { extensions: [extension('2a0304', integer(1n))] },
    'a critical reason code': { entries: entryWith(extension('551d15', Buffer.from('0a0101', 'hex'), true)) },
    'clocks a little apart': { thisUpdate: new Date(nowMs + 4 * 60_000) },
    'no next update': { nextUpdate: null },
    'no number': { number: null },
    'the first version': { version: 1 as const, entries: [{ serial: 1n }] }
  }
  for (const [what, list] of Object.entries(known)) t.equal(read(craft(list)).length, 1, what)
})

t.test('one bad list makes the file bad, with every problem once', async t => {
  const file = Buffer.concat([
    craft({}),
    craft({ extensions: [point('30038101ff')] }),
    craft({ thisUpdate: new Date(nowMs + 1e9) })
  ])
  const { problems } = t.throws(() => read(file)) as unknown as CrlError
  t.same(
    problems.map(({ reason }) => reason),
    ['partial', 'future']
  )
})

t.test('serial numbers are numbers: long, negative, and with bytes that say nothing', async t => {
  const long = (1n << 500n) + 7n
  const lists = read(
    craft({
      entries: [
        { serial: long },
        { serial: -129n },
        { serial: -1n },
        { serial: 200n },
        { serial: Buffer.from([0, 0, 0, 9]) }
      ]
    })
  )
  for (const value of [long, -129n, -1n, 200n, 9n]) t.ok(has(lists, value), String(value))
  for (const value of [127n, 129n, 1n, 255n, -56n, -200n, long + 1n, 1n << 600n, 0n]) {
    t.notOk(has(lists, value), String(value))
  }
})

t.test('CRL numbers may be longer than 64 bits', async t => {
  const number = (1n << 159n) + 1n
  t.equal(overviewOf(read(craft({ number }))).number, number.toString())
})

t.test('a list changed in one bit is refused, whichever bit', async t => {
  const der = craft({ entries: [{ serial: 10n }, ...manyEntries(1)] })
  for (let at = 0; at < der.length; at++) {
    const changed = Buffer.from(der)
    changed[at] = (changed[at] ?? 0) ^ 1
    t.throws(() => read(changed), CrlError, `byte ${at}`)
  }
})

t.test('a list cut anywhere is refused', async t => {
  const der = craft({ entries: [{ serial: 10n }] })
  for (let length = 1; length < der.length; length++) t.throws(() => read(der.subarray(0, length)), CrlError)
})

t.test('200,000 entries are read, as PEM and as DER, with and without line ends', async t => {
  const entries = manyEntries(200_000)
  const der = craft({ entries })
  const text = formatPem('X509 CRL', der)
  for (const file of [
    der,
    text,
    text.replaceAll('\n', '\r\n'),
    text.replaceAll(/(?<!-----)\n(?!-----)/g, '')
  ]) {
    const lists = read(file)
    t.equal(overviewOf(lists).entries, 200_000)
    for (const at of [0, 1, 99_999, 199_999]) t.ok(has(lists, entries[at]?.serial as bigint), `entry ${at}`)
    t.notOk(has(lists, (entries[5]?.serial as bigint) + 1n))
  }
})

t.test('the rows can be read by every thread', async t => {
  const [list] = read(craft({ entries: [{ serial: 10n }] }))
  t.ok(list?.rows.buffer instanceof SharedArrayBuffer)
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
    const list = craft({
      algorithm: Buffer.from(scheme.algorithm, 'hex'),
      sign: signed => scheme.sign(signed, privateKey)
    })
    const withKey = (publicKey: KeyObject): Authority => ({
      keyId: 'own',
      certificate: { publicKey, subject: 'CN=own' } as X509Certificate
    })
    t.equal(read(list, [...authorities, withKey(publicKey)])[0]?.authority, 'own')
    t.throws(() => read(list, [...authorities, withKey(scheme.keys().publicKey)]), CrlError)
  })
}

t.test('PEM may stand among other blocks', async t => {
  t.equal(read(`${authority.bundle}${craftPem({ by: signer })}`).length, 1)
})

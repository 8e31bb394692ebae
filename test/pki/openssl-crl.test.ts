import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { hasSerial, type SortedSerials, serialOf } from '../../src/pki/serials.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import {
  type CraftedEntry,
  type CraftedList,
  craftersOf,
  craftPem,
  extension
} from '../support/crafted-list.ts'
import { seededDice } from '../support/runtime.ts'
import { refused, authority as refusing } from './refused-lists.ts'

const reason = extension('551d15', Buffer.from('0a0101', 'hex'))
const invalidSince = extension('551d18', Buffer.from('180f32303235303130313030303030305a', 'hex'))

/** Serials of the certificates that are asked for; the lists name some of them. */
const serials = [1n, 127n, 128n, 255n, 65_536n, (1n << 158n) + 3n, 0xfedcba9876543210n, -1n, -129n]

const lists: Readonly<Record<string, Omit<CraftedList, 'by'>>> = {
  'no entries': {},
  'plain entries': { entries: [1n, 255n, 65_536n, 9n].map(serial => ({ serial })) },
  'entries with extensions': {
    entries: [127n, (1n << 158n) + 3n].map(serial => ({ serial, extensions: [reason, invalidSince] }))
  },
  'some entries with extensions, in no order': {
    entries: [65_536n, 1n, 128n].map(
      (serial, index): CraftedEntry => (index === 1 ? { serial, extensions: [reason] } : { serial })
    )
  },
  'negative serials': { entries: [{ serial: -1n }, { serial: -129n }] },
  'positive serials of the same bytes': { entries: [{ serial: 255n }, { serial: 0xff7fn }] },
  'long serials': { entries: [{ serial: (1n << 158n) + 3n }, { serial: 0xfedcba9876543210n }] },
  'the first version': { version: 1, entries: [{ serial: 128n }] },
  'a number longer than 64 bits': { number: (1n << 150n) + 1n, entries: [{ serial: 1n }] },
  'no number': { number: null, entries: [{ serial: 1n }] },
  'dates after 2050': { nextUpdate: new Date(Date.UTC(2060, 0, 1)), entries: [{ serial: 1n }] },
  ...Object.fromEntries([1, 2, 3].map(seed => [`random entries of seed ${seed}`, randomList(seed)]))
}

/** Serials of any length and sign, some of them twice, a part of them with extensions; some of those asked for. */
function randomList(seed: number): Omit<CraftedList, 'by'> {
  const dice = seededDice(seed)
  const random = () => {
    const bits = 1 + Math.floor(dice() * 160)
    let value = 0n
    for (let bit = 0; bit < bits; bit++) value = (value << 1n) | (dice() < 0.5 ? 1n : 0n)
    return dice() < 0.2 ? -value : value
  }
  const made = Array.from({ length: 500 }, random)
  const asked = serials.filter(() => dice() < 0.5)
  const twice = made.filter(() => dice() < 0.05)
  const entries = [...made, ...asked, ...twice].map(
    (serial): CraftedEntry => (dice() < 0.5 ? { serial, extensions: [reason, invalidSince] } : { serial })
  )
  return { number: BigInt(seed), entries }
}

/**
 * What OpenSSL says of each list that is refused here: that it is none, that its CA is unknown, or the reason why a
 * certificate cannot be judged by it. Where it says `OK` it takes the list, and the reader here is stricter, for the
 * reason beside it.
 */
const openSslSays: Readonly<Record<keyof typeof refused, string>> = {
  'an empty file': 'no list',
  'a file of certificates': 'no list',
  'half a list': 'no list',
  'a list of another CA': 'Error getting CRL issuer certificate',
  'a certificate under the label of a list': 'no list',
  // It reads the first list of a file in DER and does not look further.
  'a list with bytes behind it': 'OK',
  // RFC 5280, 5.1.2.1: with extensions it must say that it is of the second version.
  'a first version with extensions': 'OK',
  'a date with another time zone': "format error in CRL's lastUpdate field",
  'a date without seconds': "format error in CRL's lastUpdate field",
  'a date that says no zone': "format error in CRL's lastUpdate field",
  'a date that there is not': "format error in CRL's lastUpdate field",
  'a serial number without a byte': 'no list',
  // RFC 5280 (4.1.2.2, 5.2.3) allows 20 bytes; whoever writes more wants memory.
  'a serial number of 65 bytes': 'OK',
  'a number of 65 bytes': 'OK',
  // RFC 5280, 4.2: never more than one of a kind.
  'an extension that is there twice': 'OK',
  // It is asked for one verdict and takes what there is, unless it is told to want full lists too.
  'a delta list': 'OK',
  'a delta list that calls itself uncritical': 'OK',
  // The certificate is a user's, so it is covered; that of a CA would not be.
  'a list of users only': 'OK',
  'a list of CAs only': 'different CRL scope',
  'a list of some reasons only': 'unable to get certificate CRL',
  'a list of attribute certificates': 'different CRL scope',
  'a list for one distribution point': 'different CRL scope',
  'an indirect list': 'unable to get certificate CRL',
  // It follows who issued each entry. No Puppet CA signs for another one.
  'a list with an entry of another CA': 'OK',
  'an unknown critical extension': 'unhandled critical CRL extension',
  'an unknown critical extension of an entry': 'unhandled critical CRL extension',
  'a list from the future': 'CRL is not yet valid'
}

for (const keyType of ['ec', 'rsa2048'] as const) {
  const authority = await createAuthority({ intermediate: false, keyType })
  const [by] = craftersOf(authority)
  const directory = t.testdir({
    'ca.pem': authority.bundle,
    'ca.key': authority.save()[0]?.key ?? '',
    'leaf.cnf': '[req]\ndistinguished_name=dn\n[dn]\n'
  })
  const inDirectory = (name: string) => join(directory, name)
  openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', inDirectory('leaf.key')])
  const request = ['-key', inDirectory('leaf.key'), '-subj', '/CN=agent', '-config', inDirectory('leaf.cnf')]
  const files = serials.map((serial, index) => {
    const file = inDirectory(`leaf-${keyType}-${index}.pem`)
    const number = serial < 0 ? `-0x${(-serial).toString(16)}` : `0x${serial.toString(16)}`
    const ca = ['-CA', inDirectory('ca.pem'), '-CAkey', inDirectory('ca.key'), '-set_serial', number]
    openssl(['req', '-x509', '-new', ...request, ...ca, '-days', '2', '-out', file])
    return file
  })

  for (const [what, list] of Object.entries(lists)) {
    t.test(`${keyType}: ${what}: OpenSSL reads the same and refuses the same`, async t => {
      if (!by) throw new Error('no CA')
      const pem = craftPem({ by, ...list })
      const crl = inDirectory(`crl-${keyType}.pem`)
      writeFileSync(crl, pem)
      const [read] = readRevocations(Buffer.from(pem), authoritiesOf(authority.bundle), Date.now())
      if (!read) throw new Error('not read')

      const text = openssl(['crl', '-in', crl, '-noout', '-text', '-CAfile', inDirectory('ca.pem')])
      const listed = text.matchAll(/Serial Number: (-?)([0-9A-F]+)/g)
      const printed = Array.from(listed, ([, sign, digits]) => BigInt(`0x${digits}`) * (sign ? -1n : 1n))
      t.equal(read.entries, printed.length)
      t.same(inOrder(serialsIn(read)), inOrder(printed))
      const number = /X509v3 CRL Number: \n\s+(?:0x)?([0-9A-F]+)/i.exec(text)?.[1]
      const written = read.number === undefined ? undefined : numberAsPrinted(read.number)
      t.equal(written, number)

      const { stdout, stderr } = spawnSync(
        'openssl',
        ['verify', '-crl_check', '-CAfile', inDirectory('ca.pem'), '-CRLfile', crl, ...files],
        { encoding: 'utf8' }
      )
      for (const [index, file] of files.entries()) {
        const isRevoked = stderr.includes(`error ${file}: verification failed`)
        t.equal(stdout.includes(`${file}: OK`), !isRevoked, 'there is a verdict')
        const { raw } = new X509Certificate(readFileSync(file))
        t.equal(hasSerial(read, serialOf(raw)), isRevoked, `serial ${serials[index]}`)
      }
      t.equal(stderr.match(/verification failed/g)?.length, stderr.match(/certificate revoked/g)?.length)
    })
  }
}

t.test('of each list that is refused OpenSSL says what is known of it', async t => {
  const { cert } = await refusing.issue({ certname: 'agent.example.com' })
  const directory = t.testdir({ 'ca.pem': refusing.bundle, 'agent.pem': cert, list: '', 'list.pem': '' })
  const inDirectory = (name: string) => join(directory, name)
  const trust = ['-CAfile', inDirectory('ca.pem')]

  function verdictOf(list: string | Buffer): string {
    writeFileSync(inDirectory('list'), list)
    const form = Buffer.isBuffer(list) ? 'DER' : 'PEM'
    const paths = ['-in', inDirectory('list'), '-out', inDirectory('list.pem')]
    const read = spawnSync('openssl', ['crl', '-inform', form, ...paths, ...trust], { encoding: 'utf8' })
    if (read.stderr.includes('Unable to load CRL')) return 'no list'
    if (!read.stderr.includes('verify OK')) return read.stderr.trim()
    const judged = ['-crl_check', ...trust, '-CRLfile', inDirectory('list.pem'), inDirectory('agent.pem')]
    const { status, stderr } = spawnSync('openssl', ['verify', ...judged], { encoding: 'utf8' })
    return status === 0 ? 'OK' : (/error \d+ at 0 depth lookup: (.*)/.exec(stderr)?.[1] ?? stderr)
  }

  t.same(Object.keys(openSslSays), Object.keys(refused))
  for (const [what, [, list]] of Object.entries(refused)) t.equal(verdictOf(list), openSslSays[what], what)
})

function inOrder(numbers: readonly bigint[]): bigint[] {
  return numbers.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
}

/** All rows as numbers. */
function serialsIn({ width, rows }: SortedSerials): bigint[] {
  return Array.from({ length: rows.length / width }, (_, row) =>
    BigInt.asIntN(
      8 * width,
      BigInt(`0x${Buffer.from(rows.subarray(row * width, (row + 1) * width)).toString('hex')}`)
    )
  )
}

/** OpenSSL prints small numbers in decimal and others in hexadecimal. */
function numberAsPrinted(number: bigint): string {
  return number < 1n << 63n ? String(number) : number.toString(16).toUpperCase()
}

function openssl(args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

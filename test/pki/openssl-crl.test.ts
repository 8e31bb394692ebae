import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { hasSerial, serialOf } from '../../src/pki/serials.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import {
  type CraftedEntry,
  type CraftedList,
  craftersOf,
  craftPem,
  extension
} from '../support/crafted-list.ts'

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
  'dates after 2050': { nextUpdate: new Date(Date.UTC(2060, 0, 1)), entries: [{ serial: 1n }] }
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
      t.equal(read.entries, text.match(/Serial Number:/g)?.length ?? 0)
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

/** OpenSSL prints small numbers in decimal and others in hexadecimal. */
function numberAsPrinted(number: bigint): string {
  return number < 1n << 63n ? String(number) : number.toString(16).toUpperCase()
}

function openssl(args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

import t from 'tap'
import { formatPem, readPem, readPemOf } from '../../src/pki/pem.ts'
import { disguises } from './disguises.ts'

const bytes = (seed: number) => Buffer.from(Array.from({ length: 100 }, (_, index) => (index * seed) % 256))
const one = formatPem('X509 CRL', bytes(3))
const two = formatPem('X509 CRL', bytes(7))
const key = formatPem('EC PRIVATE KEY', bytes(11))

for (const [how, disguise] of Object.entries(disguises)) {
  t.test(`blocks are read ${how}, in their order, among others`, async t => {
    const { blocks, damage } = readPemOf(disguise(`${one}${key}${two}`), 'X509 CRL')
    t.same(damage, [])
    t.same(
      blocks.map(({ label, headers, der }) => [label, headers, der]),
      [
        ['X509 CRL', '', bytes(3)],
        ['X509 CRL', '', bytes(7)]
      ]
    )
  })
}

t.test('a text without blocks holds none, and that is no damage', async t => {
  for (const text of ['', 'hello', '-----', '----- BEGIN X509 CRL -----', key]) {
    t.same(readPemOf(text, 'X509 CRL'), { blocks: [], damage: [] }, text.slice(0, 30))
  }
})

t.test('several labels can be wanted at once', async t => {
  const { blocks } = readPem(`${one}${key}`, label => label.endsWith('KEY') || label === 'X509 CRL')
  t.same(
    blocks.map(({ label }) => label),
    ['X509 CRL', 'EC PRIVATE KEY']
  )
})

t.test('lines before the content of an old private key are kept apart', async t => {
  for (const end of ['\n', '\r\n', ' \n']) {
    const old = key.replace('KEY-----\n', `KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n`)
    const { blocks, damage } = readPemOf(old.replaceAll('\n', end), 'EC PRIVATE KEY')
    t.same(damage, [])
    t.match(blocks, [{ headers: /^Proc-Type: 4,ENCRYPTED\s+DEK-Info: AES-256-CBC,00$/, der: bytes(11) }])
  }
})

const [begin = '', middle = '', end = ''] = one.split(/(?<=BEGIN X509 CRL-----\n)|(?=-----END)/)
const unended = 'a PEM block "X509 CRL" that is begun and not ended'
const unbegun = 'a PEM block "X509 CRL" that is ended and not begun'
const damaged = 'a PEM block "X509 CRL" that is damaged'

/** What must not be passed over, and what is said of it. */
const broken: Readonly<Record<string, readonly [text: string, damage: readonly string[]]>> = {
  'a block cut short': [one.slice(0, -40), [unended]],
  'a block whose last line lacks a hyphen': [one.replace(/-\n$/, '\n'), [unended]],
  'a block that another one interrupts': [`${begin}${middle}${two}`, [unended]],
  'a block that one of another label interrupts': [`${begin}${middle}${key}`, [unended]],
  'a block that ends as another': [`${begin}${middle}${end.replace('X509 CRL', 'CERTIFICATE')}`, [unended]],
  'a block without its first line': [`${middle}${end}`, [unbegun]],
  'a block whose first line is misspelt': [one.replace('BEGIN', 'BEGUN'), [unbegun]],
  'an empty block': [`${begin}${end}`, [damaged]],
  'rubbish between the lines': [one.replace(/\n[^-]{20}/, '\n%%%%'), [damaged]],
  'a character missing': [`${begin}${middle.slice(1)}${end}`, [damaged]],
  'padding in the middle': [`${begin}AA==${middle}${end}`, [damaged]],
  'two broken ones': [`${begin}${begin}${end}`, [unended, damaged]]
}

for (const [what, [text, damage]] of Object.entries(broken)) {
  t.test(`${what} is damage, and what is whole is still read`, async t => {
    const reading = readPemOf(`${two}${text}`, 'X509 CRL')
    t.same(reading.damage, damage)
    t.same(reading.blocks[0]?.der, bytes(7))
  })
}

t.test('damage of labels that nobody asked for is none', async t => {
  t.same(readPemOf(key.slice(0, -40) + one, 'X509 CRL').damage, [])
  t.same(readPemOf(key.replace(/\n[^-]{20}/, '\n%%%%'), 'X509 CRL').damage, [])
})

t.test('a text is written as OpenSSL would write it', async t => {
  t.match(one, /^-----BEGIN X509 CRL-----\n([A-Za-z0-9+/]{64}\n)+[A-Za-z0-9+/=]+\n-----END X509 CRL-----\n$/)
})

t.test('a text of any size ends no stack, whatever it is made of', async t => {
  const long = 5_000_000
  const block = (body: string) => `-----BEGIN X509 CRL-----${body}-----END X509 CRL-----`
  const texts = {
    blanks: ' '.repeat(long),
    'a label without end': `-----BEGIN ${'A '.repeat(long / 2)}`,
    'blanks in a block': block(' '.repeat(long)),
    headers: block(`\n${'A: b\n'.repeat(long / 5)}\nAAAA\n`)
  }
  for (const [what, text] of Object.entries(texts)) t.same(readPemOf(text, 'X509 CRL').blocks, [], what)
  t.equal(readPemOf(block('A'.repeat(long)), 'X509 CRL').blocks[0]?.der.length, (long / 4) * 3)
  t.equal(readPemOf('-----END X509 CRL-----\n'.repeat(100_000), 'X509 CRL').damage.length, 1)
})

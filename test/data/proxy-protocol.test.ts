import t from 'tap'
import { crc32c } from '../../src/data/accept/crc32c.ts'
import { type ProxyReading, readProxyHeader } from '../../src/data/accept/proxy-protocol.ts'
import { type Ends, proxyHeader } from '../../src/upstream/proxy-header.ts'
import { binaryHeader, fourAddresses, sixAddresses, tlv, withChecksum } from '../support/proxy-headers.ts'

const four: Ends = {
  source: { address: '192.0.2.7', port: 40_000 },
  destination: { address: '198.51.100.1', port: 8140 }
}
const six: Ends = {
  source: { address: '2001:db8::7', port: 40_000 },
  destination: { address: '2001:db8::1', port: 8140 }
}
const line = (text: string) => Buffer.from(`${text}\r\n`, 'latin1')
const header = (bytes: Buffer, ends: Ends | undefined) => ({ kind: 'header', length: bytes.length, ends })
const fault = (of: string) => ({ kind: 'fault', fault: of })

const good: readonly (readonly [string, Buffer, Ends | undefined])[] = [
  ['TCP4', line('PROXY TCP4 192.0.2.7 198.51.100.1 40000 8140'), four],
  ['TCP6', line('PROXY TCP6 2001:DB8:0:0::7 2001:db8::1 40000 8140'), six],
  ['an IPv4 address within TCP6', line('PROXY TCP6 ::ffff:192.0.2.7 ::FFFF:198.51.100.1 40000 8140'), four],
  ['UNKNOWN', line('PROXY UNKNOWN'), undefined],
  ['UNKNOWN with whatever', line('PROXY UNKNOWN ffff::1 what ever \0'), undefined],
  ['the longest line', line(`PROXY UNKNOWN ${'x'.repeat(91)}`), undefined],
  ['IPv4', binaryHeader(), four],
  ['IPv6', binaryHeader({ family: 0x21, addresses: sixAddresses }), six],
  ['LOCAL', binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }), undefined],
  ['LOCAL with addresses, which do not count', binaryHeader({ command: 0x20 }), undefined],
  ['LOCAL of a family that there is not', binaryHeader({ command: 0x20, family: 0xff }), undefined],
  ['an unspecified family', binaryHeader({ family: 0, addresses: Buffer.alloc(7, 9) }), undefined],
  ['a Unix socket', binaryHeader({ family: 0x31, addresses: Buffer.alloc(216, 65) }), undefined],
  ['UDP', binaryHeader({ family: 0x12 }), undefined],
  ['TLVs, known or not', binaryHeader({ tlvs: Buffer.concat([tlv(0x02, 'puppet'), tlv(0xee, '')]) }), four],
  ['a checksum', withChecksum({ tlvs: tlv(0x04, 'padding') }), four],
  ['a checksum over IPv6', withChecksum({ family: 0x21, addresses: sixAddresses }), six],
  ['the longest header', binaryHeader({ tlvs: tlv(0xee, Buffer.alloc(4096 - 16 - 12 - 3)) }), four]
]

const bad: readonly (readonly [string, Buffer, string])[] = [
  ['a ClientHello', Buffer.from('160301020001', 'hex'), 'absent'],
  ['a request', Buffer.from('GET / HTTP/1.0\r\n\r\n'), 'absent'],
  ['a word that is nearly right', Buffer.from('PROXYTCP4 '), 'absent'],
  ['a protocol that there is not', line('PROXY TCP5 1.2.3.4 1.2.3.4 1 2'), 'malformed'],
  ['UDP in a line', line('PROXY UDP4 1.2.3.4 1.2.3.4 1 2'), 'malformed'],
  ['a word that only begins like UNKNOWN', line('PROXY UNKNOWNS'), 'malformed'],
  ['an address of the other family', line('PROXY TCP4 2001:db8::7 2001:db8::1 1 2'), 'malformed'],
  ['an address with leading zeros', line('PROXY TCP4 192.000.2.7 198.51.100.1 1 2'), 'malformed'],
  ['an address with a zone', line('PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2'), 'malformed'],
  ['a name', line('PROXY TCP4 localhost 198.51.100.1 1 2'), 'malformed'],
  ['a port beyond the last', line('PROXY TCP4 192.0.2.7 198.51.100.1 65536 2'), 'malformed'],
  ['a port with leading zeros', line('PROXY TCP4 192.0.2.7 198.51.100.1 01 2'), 'malformed'],
  ['two spaces', line('PROXY TCP4  192.0.2.7 198.51.100.1 1 2'), 'malformed'],
  ['a word too many', line('PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3'), 'malformed'],
  ['a line feed without its return', Buffer.from(`PROXY UNKNOWN\n${'x'.repeat(100)}`), 'too-long'],
  ['a line that is one byte too long', line(`PROXY UNKNOWN ${'x'.repeat(92)}`), 'too-long'],
  ['version 1 in binary', binaryHeader({ command: 0x11 }), 'malformed'],
  ['a command that there is not', binaryHeader({ command: 0x22 }), 'malformed'],
  ['a family that there is not', binaryHeader({ family: 0x41 }), 'malformed'],
  ['a transport that there is not', binaryHeader({ family: 0x13 }), 'malformed'],
  ['less than its addresses', binaryHeader({ length: 11 }), 'malformed'],
  ['IPv6 with the addresses of IPv4', binaryHeader({ family: 0x21 }), 'malformed'],
  ['a TLV that is cut', binaryHeader({ tlvs: tlv(0x02, 'puppet').subarray(0, 5) }), 'malformed'],
  ['half a TLV', binaryHeader({ tlvs: Buffer.of(1, 0) }), 'malformed'],
  ['a checksum of three bytes', binaryHeader({ tlvs: tlv(0x03, 'abc') }), 'malformed'],
  ['a checksum that is wrong', withChecksum({}, true), 'checksum'],
  [
    'a header that is one byte too long',
    binaryHeader({ tlvs: tlv(0xee, Buffer.alloc(4096 - 16 - 12 - 2)) }),
    'too-long'
  ],
  ['a length beyond all', binaryHeader({ length: 65_535 }), 'too-long']
]

for (const [what, bytes, ends] of good) {
  t.test(`${what}: is read as soon as it is whole, and no sooner, whatever comes behind`, async t => {
    for (let length = 0; length < bytes.length; length++) {
      const { kind } = readProxyHeader(bytes.subarray(0, length))
      if (kind !== 'more') t.fail(`${kind} after ${length} bytes`)
    }
    t.same(readProxyHeader(bytes), header(bytes, ends))
    t.same(readProxyHeader(Buffer.concat([bytes, Buffer.from('160301', 'hex')])), header(bytes, ends))
  })
}

for (const [what, bytes, of] of bad) {
  t.test(`${what}: ${of}`, async t => {
    t.same(readProxyHeader(bytes), fault(of))
    // However it comes, it never looks like a header on the way.
    for (let length = 0; length < bytes.length; length++) {
      if (readProxyHeader(bytes.subarray(0, length)).kind === 'header') t.fail(`after ${length} bytes`)
    }
  })
}

t.test('the checksum is that of its specification', async t => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
})

t.test('what masters are told is what the protocol says', async t => {
  t.same(proxyHeader(four), binaryHeader())
  t.same(proxyHeader(six), binaryHeader({ family: 0x21, addresses: sixAddresses }))
  t.same(proxyHeader(undefined), binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }))
  const mixed = { source: four.source, destination: six.destination }
  t.same(readProxyHeader(proxyHeader(mixed)) as ProxyReading, header(proxyHeader(six), mixed))
  for (const address of ['::', '::1', '1::', '2001:db8:1:2:3:4:5:6', '64:ff9b::']) {
    const ends = { source: { address, port: 1 }, destination: { address, port: 65_535 } }
    t.match(readProxyHeader(proxyHeader(ends)), { ends })
  }
  t.equal(fourAddresses.length, 12)
})

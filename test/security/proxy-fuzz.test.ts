import { isIP } from 'node:net'
import t from 'tap'
import { readProxyHeader } from '../../src/data/accept/proxy-protocol.ts'
import { binaryHeader, sixAddresses, tlv, withChecksum } from '../support/proxy-headers.ts'
import { seededDice } from '../support/runtime.ts'
import { mutateBytes } from './support/mutate-bytes.ts'

const ROUNDS = 3_000

for (const [index, [what, from]] of Object.entries({
  'version 1': Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 8140\r\n'),
  'version 1 over IPv6': Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 40000 8140\r\n'),
  'version 2': binaryHeader({ tlvs: Buffer.concat([tlv(0x02, 'puppet'), tlv(0x20, Buffer.alloc(9))]) }),
  'version 2 over IPv6': binaryHeader({ family: 0x21, addresses: sixAddresses }),
  'version 2 with a checksum': withChecksum({ tlvs: tlv(0x02, 'puppet') })
}).entries()) {
  t.test(`a mutated header of ${what} is refused or read for good: no byte behind it counts`, async t => {
    const seed = 100 + index
    const dice = seededDice(seed)
    let read = 0
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutateBytes(from, dice)
      const where = () => `seed ${seed}, round ${round}: ${bytes.toString('base64')}`
      const reading = readProxyHeader(bytes)
      if (reading.kind !== 'header') continue
      read++
      const { length, ends } = reading
      if (length > bytes.length || length > 4096) t.fail(where())
      if (ends && ![ends.source, ends.destination].every(({ address }) => isIP(address) > 0)) t.fail(where())
      t.same(readProxyHeader(bytes.subarray(0, length)), reading, where())
      if (readProxyHeader(bytes.subarray(0, length - 1)).kind === 'header') t.fail(where())
      if (what.endsWith('checksum') && !bytes.subarray(0, length).equals(from) && bytes[12] !== 0x20) {
        // What no longer has its checksum is of another kind: without addresses, or without the TLV.
        if (length === from.length && bytes[length - 7] === 0x03) t.fail(where())
      }
    }
    t.ok(read < ROUNDS, `${read} were read`)
  })
}

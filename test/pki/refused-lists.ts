import { sign } from 'node:crypto'
import { derChildren, derElement, derSequence, derTag } from '../../src/pki/der.ts'
import { formatPem, readPemOf } from '../../src/pki/pem.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import {
  type CraftedList,
  type Crafter,
  craftersOf,
  craftList,
  element,
  extension,
  integer
} from '../support/crafted-list.ts'

// Lists that are not to be believed, beside the CA that signs them. `nowMs` is when they are read.
export const authority = await createAuthority()
export const [root, signer] = craftersOf(authority) as [Crafter, Crafter]
export const nowMs = Date.now()
const stranger = await createAuthority()

export const craft = (list: Omit<CraftedList, 'by'>) => craftList({ by: signer, ...list })
export const point = (content: string) => extension('551d1c', Buffer.from(content, 'hex'), true)
export const entryWith = (more: Buffer) => [{ serial: 1n, extensions: [more] }]
const directoryName = element(0x30, element(0xa4, element(0x30, Buffer.alloc(0))))

/** What is refused, and under which reason. */
export const refused: Readonly<Record<string, readonly [reason: string, file: string | Buffer]>> = {
  'an empty file': ['damaged', ''],
  'a file of certificates': ['damaged', authority.bundle],
  'half a list': ['damaged', formatPem('X509 CRL', craft({})).slice(0, 200)],
  'a list of another CA': ['foreign', await stranger.crl()],
  'a certificate under the label of a list': [
    'damaged',
    formatPem('X509 CRL', readPemOf(authority.bundle, 'CERTIFICATE').blocks[0]?.der ?? Buffer.alloc(0))
  ],
  'a list with bytes behind it': ['damaged', Buffer.concat([craft({}), Buffer.alloc(1)])],
  'a first version with extensions': ['damaged', withoutVersion(craft({}))],
  'a date with another time zone': ['damaged', dated(derTag.utcTime, '250101000000+0100')],
  'a date without seconds': ['damaged', dated(derTag.utcTime, '2501010000Z')],
  'a date that says no zone': ['damaged', dated(derTag.generalizedTime, '20250101000000')],
  'a date that there is not': ['damaged', dated(derTag.utcTime, '251301000000Z')],
  'a serial number without a byte': ['damaged', craft({ entries: [{ serial: Buffer.alloc(0) }] })],
  'a serial number of 65 bytes': ['damaged', craft({ entries: [{ serial: Buffer.alloc(65, 1) }] })],
  'a number of 65 bytes': ['damaged', craft({ number: 1n << 513n })],
  'an extension that is there twice': ['damaged', craft({ extensions: [extension('551d14', integer(2n))] })],
  'a delta list': ['delta', craft({ extensions: [extension('551d1b', integer(1n), true)] })],
  'a delta list that calls itself uncritical': [
    'delta',
    craft({ extensions: [extension('551d1b', integer(1n))] })
  ],
  'a list of users only': ['partial', craft({ extensions: [point('30038101ff')] })],
  'a list of CAs only': ['partial', craft({ extensions: [point('30038201ff')] })],
  'a list of some reasons only': ['partial', craft({ extensions: [point('300483020640')] })],
  'a list of attribute certificates': ['partial', craft({ extensions: [point('30038501ff')] })],
  'a list for one distribution point': ['partial', craft({ extensions: [point('3008a006a0048602683a')] })],
  'an indirect list': ['indirect', craft({ extensions: [point('30038401ff')] })],
  'a list with an entry of another CA': [
    'indirect',
    craft({ entries: entryWith(extension('551d1d', directoryName, true)) })
  ],
  'an unknown critical extension': [
    'critical-extension',
    craft({ extensions: [extension('2a0304', integer(1n), true)] })
  ],
  'an unknown critical extension of an entry': [
    'critical-extension',
    craft({ entries: [{ serial: 1n }, ...entryWith(extension('2a0304', integer(1n), true)), { serial: 3n }] })
  ],
  'a list from the future': ['future', craft({ thisUpdate: new Date(nowMs + 6 * 60_000) })]
}

function dated(tag: number, text: string): Buffer {
  return craft({ thisUpdate: element(tag, Buffer.from(text)) })
}

function withoutVersion(list: Buffer): Buffer {
  const bytesOf = ({ start, end }: { readonly start: number; readonly end: number }) =>
    list.subarray(start, end)
  const [signed] = [...derChildren(list, derElement(list, 0))]
  if (!signed) throw new Error('no list')
  const [, ...parts] = [...derChildren(list, signed)].map(bytesOf)
  const anew = derSequence(parts)
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', anew, signer.key)])
  return derSequence([anew, signer.algorithm, element(derTag.bitString, signature)])
}

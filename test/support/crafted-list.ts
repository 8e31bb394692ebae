import { type KeyObject, sign, X509Certificate } from 'node:crypto'
import { derChildren, derElement, derSequence, derTag } from '../../src/pki/der.ts'
import { formatPem } from '../../src/pki/pem.ts'
import type { Authority } from '../../src/simulation/certificates.ts'

/** A revocation list to make; everything may be what no CA would write. */
export interface CraftedList {
  /** Subject in DER and key: see `craftersOf`. */
  readonly by: Crafter
  /** A date, or its DER. */
  readonly thisUpdate?: Date | Buffer
  readonly nextUpdate?: Date | null
  /** A CRL number; `null` for none. */
  readonly number?: bigint | null
  readonly entries?: readonly CraftedEntry[]
  /** Extensions of the list besides its number, in DER. */
  readonly extensions?: readonly Buffer[]
  /** 1 has neither version nor extensions. */
  readonly version?: 1 | 2
  /** DER of an AlgorithmIdentifier, beside how to sign. Default: SHA-256 with the key of `by`. */
  readonly algorithm?: Buffer
  readonly sign?: (signed: Buffer) => Buffer
}

export interface CraftedEntry {
  readonly serial: bigint | Buffer
  /** In DER. */
  readonly extensions?: readonly Buffer[]
}

/** A CA that signs crafted lists. */
export interface Crafter {
  readonly subject: Buffer
  readonly key: string | KeyObject
  readonly algorithm: Buffer
}

/** The CAs of an authority, the root first. */
export function craftersOf(authority: Authority): readonly Crafter[] {
  return authority.save().map(({ cert, key }) => {
    const certificate = new X509Certificate(cert)
    const isRsa = certificate.publicKey.asymmetricKeyType === 'rsa'
    return { subject: subjectOf(certificate.raw), key, algorithm: isRsa ? rsaWithSha256 : ecdsaWithSha256 }
  })
}

/** The list in DER. */
export function craftList(list: CraftedList): Buffer {
  const { by, version = 2, algorithm = by.algorithm } = list
  const { thisUpdate = new Date(Date.now() - 3_600_000), nextUpdate = new Date(Date.now() + 86_400_000) } =
    list
  const signed = derSequence([
    ...(version === 2 ? [integer(1n)] : []),
    algorithm,
    by.subject,
    Buffer.isBuffer(thisUpdate) ? thisUpdate : time(thisUpdate),
    ...(nextUpdate ? [time(nextUpdate)] : []),
    ...entriesOf(list.entries ?? []),
    ...(version === 2 ? extensionsOf(list) : [])
  ])
  const signature = list.sign?.(signed) ?? sign('sha256', signed, by.key)
  return derSequence([signed, algorithm, element(derTag.bitString, Buffer.concat([Buffer.of(0), signature]))])
}

/** The list in PEM. */
export function craftPem(list: CraftedList): string {
  return formatPem('X509 CRL', craftList(list))
}

/** Serials 1 to `count` of some 16 bytes, each with a reason, as Puppet's lists have one. */
export function manyEntries(count: number): CraftedEntry[] {
  const base = 0x5b00000000000000000000000000n
  const reasonUnspecified = extension('551d15', Buffer.from('0a0100', 'hex'))
  return Array.from({ length: count }, (_, index) => ({
    serial: base + BigInt(index) * 0x10001n,
    extensions: [reasonUnspecified]
  }))
}

/** An extension; `type` is the content of its OID, hexadecimal: `551d1c` is 2.5.29.28. */
export function extension(type: string, value: Buffer, critical = false): Buffer {
  return derSequence([
    element(derTag.objectIdentifier, Buffer.from(type, 'hex')),
    ...(critical ? [element(derTag.boolean, Buffer.of(0xff))] : []),
    element(derTag.octetString, value)
  ])
}

/** An element of any tag, its length as short as DER wants it. */
export function element(tag: number, content: Buffer): Buffer {
  const { length } = content
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255]
  if (length > 0xffff) throw new RangeError('too long')
  return Buffer.concat([Buffer.from(header), content])
}

/** An INTEGER, as short as DER wants it. */
export function integer(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0')
  return element(derTag.integer, Buffer.from(hex, 'hex'))
}

function entriesOf(entries: readonly CraftedEntry[]): Buffer[] {
  const revokedAt = time(new Date(Date.UTC(2025, 0, 1)))
  const encoded = entries.map(({ serial, extensions = [] }) =>
    shortSequence([
      typeof serial === 'bigint' ? integer(serial) : element(derTag.integer, serial),
      revokedAt,
      ...(extensions.length > 0 ? [shortSequence(extensions)] : [])
    ])
  )
  // RFC 5280: a list that names nobody has no entries at all.
  return encoded.length > 0 ? [derSequence(encoded)] : []
}

function extensionsOf({ number = 1n, extensions = [] }: CraftedList): Buffer[] {
  const all = [...(number === null ? [] : [extension('551d14', integer(number))]), ...extensions]
  return all.length > 0 ? [element(derTag.context0, shortSequence(all))] : []
}

function shortSequence(parts: readonly Buffer[]): Buffer {
  return element(derTag.sequence, Buffer.concat(parts))
}

function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  const isShort = date.getUTCFullYear() >= 1950 && date.getUTCFullYear() < 2050
  return isShort
    ? element(derTag.utcTime, Buffer.from(text.slice(2)))
    : element(derTag.generalizedTime, Buffer.from(text))
}

/** Behind version, serial, algorithm, issuer and validity. */
function subjectOf(certificate: Buffer): Buffer {
  const [tbs] = derChildren(certificate, derElement(certificate, 0))
  const parts = tbs ? [...derChildren(certificate, tbs)] : []
  const at = parts[0]?.tag === derTag.context0 ? 5 : 4
  const subject = parts[at]
  if (!subject) throw new Error('no subject')
  return certificate.subarray(subject.start, subject.end)
}

const rsaWithSha256 = Buffer.from('300d06092a864886f70d01010b0500', 'hex')
const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex')

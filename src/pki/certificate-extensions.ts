import { type DerElement, derChildren, derElement, derTag } from './der.ts'

/** Where a TBSCertificate keeps its extensions: `[3]`, explicit (RFC 5280, section 4.1). */
const EXTENSIONS_TAG = 0xa3

/** The kinds whose bytes are their text; what none of Puppet's rubies makes text of is left out. */
const strings: ReadonlySet<number> = new Set([
  derTag.utf8String,
  derTag.numericString,
  derTag.printableString,
  derTag.teletexString,
  derTag.ia5String,
  derTag.visibleString,
  derTag.generalString,
  derTag.octetString
])

/**
 * The extensions of a certificate (DER), by dotted OID, as text; of one that is there twice the first. A value that is
 * a string of ASN.1, of whichever kind, is what that holds, as masters show it (`lib/puppet/ssl/certificate.rb`); any
 * other its bytes: CAs before Puppet 3.8 wrote the bare text (PUP-3560), and so does whoever makes certificates by hand.
 * Throws a RangeError for what is no DER.
 */
export function extensionTexts(certificate: Buffer): ReadonlyMap<string, string> {
  const [tbs] = derChildren(certificate, derElement(certificate, 0))
  const texts = new Map<string, string>()
  if (!tbs) return texts
  for (const part of derChildren(certificate, tbs)) {
    if (part.tag !== EXTENSIONS_TAG) continue
    const [list] = derChildren(certificate, part)
    if (!list) continue
    for (const extension of derChildren(certificate, list)) {
      const parts = [...derChildren(certificate, extension)]
      const [id, value] = [parts[0], parts.at(-1)]
      if (id?.tag !== derTag.objectIdentifier || value?.tag !== derTag.octetString) continue
      const oid = dottedOid(certificate.subarray(id.contentStart, id.end))
      if (!texts.has(oid)) texts.set(oid, textOf(certificate.subarray(value.contentStart, value.end)))
    }
  }
  return texts
}

function textOf(value: Buffer): string {
  const string = elementIn(value)
  if (string?.tag === derTag.bmpString) return bigEndian(value.subarray(string.contentStart))
  const isText = string !== undefined && strings.has(string.tag)
  return (isText ? value.subarray(string.contentStart) : value).toString('utf8')
}

/** Two bytes a character, of which one that is cut short is none. */
function bigEndian(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le')
}

/** The element that fills a value; `undefined` when it is none. */
function elementIn(value: Buffer): DerElement | undefined {
  try {
    const element = derElement(value, 0)
    return element.end === value.length ? element : undefined
  } catch {
    return undefined
  }
}

/** Seven bits in each byte, the first two arcs in one number (X.690, section 8.19). */
function dottedOid(content: Buffer): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    if (arcs.length === 0) {
      const root = Math.min(2, Math.floor(arc / 40))
      arcs.push(root, arc - 40 * root)
    } else arcs.push(arc)
    arc = 0
  }
  return arcs.join('.')
}

import { constants, createHash, type KeyObject, verify } from 'node:crypto'
import { CrlError, type ListProblem } from './crl-error.ts'
import { type DerElement, derChildren, derElement, derSequence, derTag } from './der.ts'
import { entryProblem, type ListExtension, listNumber, scopeProblem } from './list-extensions.ts'
import type { SerialSpans } from './serials.ts'
import { X509Crl } from './x509.ts'

/** One revocation list, read and not yet believed: `isSignedBy` says whose it is. */
export interface RevocationList {
  /** As text: `CN=Puppet CA: puppet`. */
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly thisUpdateMs: number
  readonly nextUpdateMs: number | undefined
  readonly number: bigint | undefined
  readonly serials: SerialSpans
  /** SHA-256 of what is signed: a list signed anew is the same list. */
  readonly digest: string
  /** Why it says less than it seems to, to go after "holds". */
  readonly problem: ListProblem | undefined
  readonly isSignedBy: (key: KeyObject) => boolean
}

/** RFC 5280 allows 20 bytes. One row of this length for each entry still fits. */
const MAX_SERIAL_BYTES = 64

/**
 * Reads one list in DER. Throws a CrlError for one that is damaged. The library makes a tree of objects of every
 * entry: 200,000 take it 40 s and 2 GB, and beyond 10,000 nodes it refuses. So the entries are walked here, and the
 * library reads what is left when they are taken out.
 */
export function readList(der: Buffer): RevocationList {
  try {
    return parse(der)
  } catch {
    throw new CrlError([{ reason: 'damaged', text: 'holds a damaged list' }])
  }
}

function parse(der: Buffer): RevocationList {
  const outer = derElement(der, 0)
  const [tbs, algorithm, signature, ...others] = derChildren(der, outer)
  if (!tbs || !algorithm || !signature || others.length > 0) throw new RangeError('no list')
  if (outer.end !== der.length || outer.tag !== derTag.sequence || tbs.tag !== derTag.sequence) {
    throw new RangeError('no list, or bytes behind it')
  }
  const bytesOf = ({ start, end }: DerElement) => der.subarray(start, end)
  const parts = [...derChildren(der, tbs)]
  const { signedAlgorithm, thisUpdate, nextUpdate, entries } = order(der, parts)
  // The algorithm stands there twice, and only this one is signed.
  if (!bytesOf(signedAlgorithm).equals(bytesOf(algorithm))) throw new RangeError('two algorithms')
  // A BIT STRING begins with how many bits of its last byte do not count.
  if (signature.tag !== derTag.bitString || der[signature.contentStart] !== 0) {
    throw new RangeError('no signature')
  }
  const rest = derSequence(parts.filter(part => part !== entries).map(bytesOf))
  const head = new X509Crl(derSequence([rest, bytesOf(algorithm), bytesOf(signature)]))
  const extensions = extensionsOf(head)
  const walked = entries ? walk(der, entries) : { spans: new Uint32Array(0), problem: undefined }
  const signed = bytesOf(tbs)
  return {
    issuer: head.issuer,
    thisUpdateMs: timeOf(der, thisUpdate),
    nextUpdateMs: nextUpdate && timeOf(der, nextUpdate),
    number: listNumber(extensions),
    serials: { bytes: der, spans: walked.spans },
    digest: createHash('sha256').update(signed).digest('base64url'),
    problem: scopeProblem(extensions) ?? walked.problem,
    isSignedBy: key => isSignedBy(key, head, signed, der.subarray(signature.contentStart + 1, signature.end))
  }
}

/** TBSCertList, RFC 5280, 5.1: version (2 or none), algorithm, issuer, one or two times, entries, extensions. */
function order(der: Buffer, parts: readonly DerElement[]) {
  let at = 0
  const isNext = (...tags: number[]) => tags.includes(parts[at]?.tag ?? -1)
  const take = (...tags: number[]) => {
    if (!isNext(...tags)) throw new RangeError('a part that has no place there')
    return parts[at++] as DerElement
  }
  const times = [derTag.utcTime, derTag.generalizedTime]
  const version = isNext(derTag.integer) ? take(derTag.integer) : undefined
  const signedAlgorithm = take(derTag.sequence)
  take(derTag.sequence)
  const thisUpdate = take(...times)
  const nextUpdate = isNext(...times) ? take(...times) : undefined
  const entries = isNext(derTag.sequence) ? take(derTag.sequence) : undefined
  const hasExtensions = isNext(derTag.context0)
  if (hasExtensions) take(derTag.context0)
  const isSecond = version && version.end - version.contentStart === 1 && der[version.contentStart] === 1
  if (at !== parts.length || (version && !isSecond) || (hasExtensions && !version)) {
    throw new RangeError('a list of another kind')
  }
  return { signedAlgorithm, thisUpdate, nextUpdate, entries }
}

function extensionsOf(head: X509Crl): ListExtension[] {
  const extensions = head.extensions.map(({ type, critical, value }) => ({
    type,
    critical,
    value: Buffer.from(value)
  }))
  if (new Set(extensions.map(({ type }) => type)).size < extensions.length) {
    throw new RangeError('an extension that is there twice')
  }
  return extensions
}

/** An entry: serial number, date, perhaps extensions. Of the extensions the first problem counts. */
function walk(der: Buffer, entries: DerElement) {
  const spans: number[] = []
  let problem: ListProblem | undefined
  let seen: DerElement | undefined
  for (const entry of derChildren(der, entries)) {
    const serial = derElement(der, entry.contentStart)
    const date = derElement(der, serial.end)
    const length = serial.end - serial.contentStart
    if (entry.tag !== derTag.sequence || serial.tag !== derTag.integer || date.end > entry.end) {
      throw new RangeError('an entry that is none')
    }
    if (length === 0 || length > MAX_SERIAL_BYTES) throw new RangeError('a serial number that is none')
    spans.push(serial.contentStart, serial.end)
    if (date.end === entry.end) continue
    // Most entries have the extensions of the one before, a reason, and those need not be read again.
    if (seen && der.compare(der, seen.start, seen.end, date.end, entry.end) === 0) continue
    const extensions = derElement(der, date.end)
    if (extensions.tag !== derTag.sequence || extensions.end !== entry.end)
      throw new RangeError('more in an entry')
    problem = entryProblem(der, extensions) ?? problem
    seen = extensions
  }
  return { spans: Uint32Array.from(spans), problem }
}

/**
 * As RFC 5280, 5.1.2.4, has it: with seconds, and in UTC. The library makes some date of whatever else stands there, and a
 * list from the future would pass for an old one.
 */
const timeForms = new Map([
  [derTag.utcTime, /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/],
  [derTag.generalizedTime, /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d(?:\.\d{1,9})?)Z$/]
] as const)

function timeOf(der: Buffer, { tag, contentStart, end }: DerElement): number {
  const text = der.toString('latin1', contentStart, end)
  const [, year = '', month, day, hour, minute, second] = timeForms.get(tag as 0x17)?.exec(text) ?? []
  const century = year.length === 4 ? '' : year < '50' ? '20' : '19'
  const ms = Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(ms)) throw new RangeError('no date')
  return ms
}

/** A key of another kind than the signature's makes OpenSSL throw; that CA is simply not the signer. */
function isSignedBy(key: KeyObject, head: X509Crl, signed: Buffer, signature: Buffer): boolean {
  const { name, hash, saltLength } = head.signatureAlgorithm as SignatureAlgorithm
  const padding = name === 'RSA-PSS' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : {}
  try {
    return verify(hash?.name.replace('-', ''), signed, { key, ...padding }, signature)
  } catch {
    return false
  }
}

/** As the library names it. Without a hash the signature's kind of key decides, as with Ed25519. */
interface SignatureAlgorithm {
  readonly name: string
  readonly hash?: { readonly name: string }
  readonly saltLength?: number
}

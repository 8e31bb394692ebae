import { constants, type KeyObject, verify } from 'node:crypto'
import type { Authority } from './authorities.ts'
import { type DerElement, derChildren, derElement, derSequence, derTag } from './der.ts'
import { readPemOf } from './pem.ts'
import { revocationKey } from './revocation.ts'
import { X509Crl } from './x509.ts'

/** What the lists of a file say, each checked against the CA that signed it. */
export interface Revocations {
  /** Keys made by `revocationKey`. */
  readonly revoked: ReadonlySet<string>
  /** Entries of all lists together. */
  readonly entries: number
  /** Milliseconds since 1970: when the oldest of them was issued, and the first moment one is out of date. */
  readonly thisUpdateMs: number
  readonly nextUpdateMs: number | undefined
  /** The highest CRL number among them, decimal: it may be longer than a double. */
  readonly number: string | undefined
  /** Which CAs have a list, by their `keyId`. */
  readonly signers: ReadonlySet<string>
}

/** A file of revocation lists that cannot be used. Each problem completes "the file …": "holds a damaged list". */
export class CrlError extends Error {
  override readonly name = 'CrlError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/**
 * Reads a PEM bundle of revocation lists. Throws a CrlError with every problem: no list at all, half a list, a list
 * that none of the authorities signed. One past its nextUpdate still counts: an old list is better than none, and
 * refusing every agent for it would be an outage.
 */
export function readRevocations(pem: string, authorities: readonly Authority[]): Revocations {
  const { blocks, damage } = readPemOf(pem, 'X509 CRL')
  const problems = damage.map(clause => `holds ${clause}`)
  if (blocks.length === 0 && damage.length === 0) problems.push('holds no PEM block "X509 CRL"')
  const lists = blocks.flatMap(({ der }) => {
    try {
      const list = readList(der)
      const signer = authorities.find(authority => isSignedBy(list, authority.certificate.publicKey))
      if (signer) return [{ ...list, signer }]
      problems.push(`holds the list of ${JSON.stringify(list.head.issuer)}, which no CA of tls.ca signed`)
    } catch {
      problems.push('holds a damaged list')
    }
    return []
  })
  if (problems.length > 0) throw new CrlError(problems)
  const revoked = lists.flatMap(({ signer, serials }) =>
    serials.map(each => revocationKey(signer.keyId, each))
  )
  const nextUpdates = lists.flatMap(({ head }) => (head.nextUpdate ? [head.nextUpdate.getTime()] : []))
  return {
    revoked: new Set(revoked),
    entries: revoked.length,
    signers: new Set(lists.map(({ signer }) => signer.keyId)),
    thisUpdateMs: Math.min(...lists.map(({ head }) => head.thisUpdate.getTime())),
    nextUpdateMs: nextUpdates.length > 0 ? Math.min(...nextUpdates) : undefined,
    number: highest(lists.flatMap(({ number }) => (number === undefined ? [] : [number])))
  }
}

interface RevocationList {
  /** The list without its entries. */
  readonly head: X509Crl
  /** The bytes that are signed. */
  readonly signed: Buffer
  readonly signature: Buffer
  /** Hexadecimal. */
  readonly serials: readonly string[]
  readonly number: bigint | undefined
}

/**
 * The library makes a tree of objects of every entry: 200,000 take it 40 s and 2 GB, and beyond 10,000 nodes it
 * refuses. So the entries are walked here, and the library reads what is left when they are taken out.
 */
function readList(der: Buffer): RevocationList {
  const outer = derElement(der, 0)
  const [tbs, algorithm, signature, ...others] = derChildren(der, outer)
  if (!tbs || !algorithm || !signature || others.length > 0) throw new RangeError('no list')
  if (outer.end !== der.length || outer.tag !== derTag.sequence || tbs.tag !== derTag.sequence) {
    throw new RangeError('no list, or bytes behind it')
  }
  const bytesOf = ({ start, end }: DerElement) => der.subarray(start, end)
  const parts = [...derChildren(der, tbs)]
  // The algorithm stands there twice, and only this one is signed.
  const signedAlgorithm = parts.find(({ tag }) => tag === derTag.sequence)
  if (!signedAlgorithm || !bytesOf(signedAlgorithm).equals(bytesOf(algorithm))) {
    throw new RangeError('two algorithms')
  }
  // A BIT STRING begins with how many bits of its last byte do not count.
  if (signature.tag !== derTag.bitString || der[signature.contentStart] !== 0)
    throw new RangeError('no signature')
  const entries = entriesOf(parts)
  const rest = derSequence(parts.filter(part => part !== entries).map(bytesOf))
  const head = new X509Crl(derSequence([rest, bytesOf(algorithm), bytesOf(signature)]))
  return {
    head,
    signed: bytesOf(tbs),
    signature: der.subarray(signature.contentStart + 1, signature.end),
    serials: entries ? serialsOf(der, entries) : [],
    number: numberOf(head)
  }
}

/** The one SEQUENCE behind a time: signature algorithm and issuer, which are others, stand before the times. */
function entriesOf(parts: readonly DerElement[]): DerElement | undefined {
  const times: readonly number[] = [derTag.utcTime, derTag.generalizedTime]
  const lastTime = parts.findLastIndex(({ tag }) => times.includes(tag))
  return parts.find(({ tag }, index) => index > lastTime && tag === derTag.sequence)
}

function serialsOf(der: Buffer, entries: DerElement): string[] {
  return Array.from(derChildren(der, entries), entry => {
    const serial = derElement(der, entry.contentStart)
    if (serial.tag !== derTag.integer || serial.end > entry.end)
      throw new RangeError('an entry without serial')
    return der.toString('hex', serial.contentStart, serial.end)
  })
}

const crlNumber = '2.5.29.20'

function numberOf(head: X509Crl): bigint | undefined {
  const extension = head.getExtension(crlNumber)
  if (!extension) return undefined
  const value = Buffer.from(extension.value)
  const { tag, contentStart, end } = derElement(value, 0)
  if (tag !== derTag.integer || contentStart === end) throw new RangeError('a CRL number that is none')
  return BigInt(`0x${value.toString('hex', contentStart, end)}`)
}

function highest(numbers: readonly bigint[]): string | undefined {
  return numbers
    .toSorted((a, b) => Number(a - b))
    .at(-1)
    ?.toString()
}

/** A key of another kind than the signature's makes OpenSSL throw; that CA is simply not the signer. */
function isSignedBy({ head, signed, signature }: RevocationList, key: KeyObject): boolean {
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

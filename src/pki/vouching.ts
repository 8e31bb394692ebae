import type { X509Certificate } from 'node:crypto'
import { authorityKeyId } from './authorities.ts'
import { fingerprintOf } from './fingerprint.ts'

/** What a fingerprint says of a CA bundle. */
export type Vouching =
  /** All of the bundle is what somebody vouched for. */
  | { readonly result: 'vouched' }
  /** Nothing in it has the fingerprint. */
  | { readonly result: 'unknown' }
  /** One certificate has it, and these have nothing to do with that one: whoever added them is unknown. */
  | { readonly result: 'strangers'; readonly strangers: readonly X509Certificate[] }

/**
 * Whether a fingerprint vouches for every certificate of a bundle. It may be that of any certificate in it: then those
 * that it signed, directly or not, and those that signed it are good as well. It may be that of the whole text too, which
 * is what agents compare with their `ca_fingerprint` (Puppet, `lib/puppet/ssl/state_machine.rb`, `NeedCACerts`). A certificate
 * beside these would be trusted like the others, so it is told.
 */
export function vouchingOf(
  bundlePem: string,
  certificates: readonly X509Certificate[],
  fingerprint: string
): Vouching {
  if (fingerprintOf(bundlePem) === fingerprint) return { result: 'vouched' }
  const named = certificates.find(({ fingerprint256 }) => fingerprint256 === fingerprint)
  if (!named) return { result: 'unknown' }
  const good = new Set([named, ...above(named, certificates)])
  addBelow(good, certificates)
  const strangers = certificates.filter(certificate => !good.has(certificate))
  return strangers.length > 0 ? { result: 'strangers', strangers } : { result: 'vouched' }
}

/**
 * Whether a CA bundle may follow the one that is believed, as when the CA renewed its certificate: each certificate in it
 * is known or signed by one that is, and no key of before is missing, since agents with its certificates would be refused.
 */
export function mayFollow(current: readonly X509Certificate[], next: readonly X509Certificate[]): boolean {
  const good = new Set(current)
  addBelow(good, next)
  const known = new Set([...good].map(({ fingerprint256 }) => fingerprint256))
  const keys = new Set(next.map(authorityKeyId))
  return (
    next.every(each => each.ca && known.has(each.fingerprint256)) &&
    current.every(each => keys.has(authorityKeyId(each)))
  )
}

/** Whether `issuer` signed `certificate`: by name, and by key. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Those that signed it, directly or not. Their keys made its signature, so no stranger can be among them. */
function above(
  certificate: X509Certificate,
  certificates: readonly X509Certificate[]
): readonly X509Certificate[] {
  const found: X509Certificate[] = []
  for (let signed: X509Certificate | undefined = certificate; signed; ) {
    const below: X509Certificate = signed
    const next: X509Certificate | undefined = certificates.find(
      each => each !== below && !found.includes(each) && isIssuedBy(below, each)
    )
    if (next) found.push(next)
    signed = next
  }
  return found
}

/** Adds whatever one of the good ones signed, until nothing more is found. */
function addBelow(good: Set<X509Certificate>, certificates: readonly X509Certificate[]): void {
  for (let before = -1; before < good.size; ) {
    before = good.size
    for (const certificate of certificates) {
      if ([...good].some(issuer => issuer.ca && isIssuedBy(certificate, issuer))) good.add(certificate)
    }
  }
}

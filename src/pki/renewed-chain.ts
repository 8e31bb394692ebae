import type { X509Certificate } from 'node:crypto'
import type { Authority } from './authorities.ts'
import { constraintsIn } from './extensions.ts'
import { weakDigestOf, weakKeyOf } from './weakness.ts'

/** Longer than any chain that OpenSSL follows is of use to nobody. */
const MAX_CHAIN = 10

/** What a certificate is to be for, by the OID of its extended key usage. */
export const clientAuthentication = '1.3.6.1.5.5.7.3.2'
export const serverAuthentication = '1.3.6.1.5.5.7.3.1'
const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

/**
 * The CAs above the certificate of somebody, from its issuer to a root, all of them among ours and valid now; `undefined` when
 * there is no such chain, or a rule of RFC 5280 is broken in it. It goes by names and signatures, and not by the authority
 * key identifier: where that names a serial number it leads to the certificate that the CA had when it signed, although
 * the CA has a new one by now, of the same name and key. The identifier is there to find a CA and is no part of the proof
 * (RFC 5280, 4.2.1.1 and 6.1); OpenSSL takes it for one, and so finds an expired CA or none.
 * Puppet Server names keys alone; an external CA made with OpenSSL may name serial numbers.
 */
export function renewedChain(
  leaf: X509Certificate,
  authorities: readonly Authority[],
  nowMs: number,
  purpose: string = clientAuthentication
): readonly Authority[] | undefined {
  // Of strangers, who are many, nothing is read.
  if (!authorities.some(({ certificate }) => certificate.subject === leaf.issuer)) return undefined
  if (!isValidAt(leaf, nowMs) || !isSound(leaf) || !isFor(leaf, purpose)) return undefined
  const chain: Authority[] = []
  for (let signed = leaf; chain.length < MAX_CHAIN; ) {
    const issuer = authorities.find(
      each =>
        !chain.includes(each) && isIssuer(each.certificate, signed, { below: chain.length, nowMs, purpose })
    )
    if (!issuer) return undefined
    chain.push(issuer)
    signed = issuer.certificate
    if (isSignedBy(signed, signed)) return chain
  }
  return undefined
}

/** `below`: the CAs between it and the leaf. */
function isIssuer(
  ca: X509Certificate,
  signed: X509Certificate,
  { below, nowMs, purpose }: { readonly below: number; readonly nowMs: number; readonly purpose: string }
): boolean {
  if (!ca.ca || !isSignedBy(signed, ca) || !isValidAt(ca, nowMs) || !isSound(ca)) return false
  const { pathLength, hasNameConstraints } = constraintsIn(ca.raw)
  return below <= (pathLength ?? MAX_CHAIN) && !hasNameConstraints && mayBe(ca, purpose)
}

function isSignedBy(signed: X509Certificate, { subject, publicKey }: X509Certificate): boolean {
  return signed.issuer === subject && signed.verify(publicKey)
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs <= validToDate.getTime()
}

/** Nobody goes by the signature that a root makes of itself. */
function isSound(certificate: X509Certificate): boolean {
  const { unknownCritical, isProxy } = constraintsIn(certificate.raw)
  const isRoot = certificate.subject === certificate.issuer
  return (
    unknownCritical === undefined &&
    !isProxy &&
    hasStrongKey(certificate) &&
    (isRoot || weakDigestOf(certificate) === undefined)
  )
}

function hasStrongKey(certificate: X509Certificate): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType === 'ec') return curves.has(asymmetricKeyDetails?.namedCurve)
  if (asymmetricKeyType === 'rsa') return weakKeyOf(certificate) === undefined
  return asymmetricKeyType === 'ed25519'
}

function isFor(leaf: X509Certificate, purpose: string): boolean {
  return mayBe(leaf, purpose) && (constraintsIn(leaf.raw).maySign ?? true)
}

/** `keyUsage` is the extended one, absent where a certificate has none. */
function mayBe({ keyUsage }: X509Certificate, purpose: string): boolean {
  return (keyUsage as readonly string[] | undefined)?.includes(purpose) ?? true
}

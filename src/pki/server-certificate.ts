import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { readPemOf } from './pem.ts'
import { namesOf, type ServerIdentity } from './signing-request.ts'
import { isIssuedBy } from './vouching.ts'

/** What a certificate of ours is held against. */
export interface CertificateExpectation {
  readonly name: string
  /** Of our key pair, DER. */
  readonly publicKey: Buffer
  /** The Puppet CA, root and intermediates. */
  readonly authorities: readonly X509Certificate[]
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** The first certificate of a PEM text; `undefined` when there is none that can be read. */
export function leafOf(pem: string): X509Certificate | undefined {
  try {
    const [block] = readPemOf(pem, 'CERTIFICATE').blocks
    return block && new X509Certificate(block.der)
  } catch {
    return undefined
  }
}

/**
 * Why a certificate is not the one that was asked for: an end of a sentence that begins with "the certificate".
 * `undefined`: it is.
 */
export function certificateProblem(
  certificate: X509Certificate,
  { name, publicKey, authorities, nowMs }: CertificateExpectation
): string | undefined {
  const subject = commonNameOf(certificate)
  if (subject !== name) return `is for ${JSON.stringify(subject ?? '')}, not for ${name}`
  if (!hasKey(certificate, publicKey)) return 'was made for another key'
  if (!authorities.some(authority => isIssuedBy(certificate, authority))) {
    const issuer = JSON.stringify(certificate.issuer.replaceAll('\n', ', ').slice(0, 200))
    return `was not issued by this CA: its bundle has no ${issuer} with the key that signed it`
  }
  return dateProblem(certificate, nowMs)
}

/** Why a certificate is not valid at a moment, as the end of the same sentence; `undefined`: it is. */
export function dateProblem(
  { validFromDate, validToDate }: X509Certificate,
  nowMs: number
): string | undefined {
  if (nowMs > validToDate.getTime()) return `expired on ${validToDate.toISOString()}`
  if (nowMs < validFromDate.getTime())
    return `is not valid before ${validFromDate.toISOString()}, and here it is ${new Date(nowMs).toISOString()}: compare the clocks`
  return undefined
}

/** Whether a certificate is for this public key, DER. */
export function hasKey(certificate: X509Certificate, publicKey: Buffer): boolean {
  return certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(publicKey)
}

/** The common name; agents and masters know the certificate by it. */
export function commonNameOf({ subject }: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(subject)?.[1]
}

/** Which of the names that were asked for a certificate lacks: whoever connects by one of them will not believe it. */
export function missingNames(certificate: X509Certificate, identity: ServerIdentity): readonly string[] {
  const hasNames = certificate.subjectAltName !== undefined
  return namesOf(identity).filter(name => {
    // Clients go by the common name only where there are no alternative ones.
    if (!hasNames) return name !== identity.name
    const found = isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name, { wildcards: false })
    return found === undefined
  })
}

/** What a server shows, PEM: the certificate, then the intermediates above it; a root is never sent. */
export function chainOf(certificate: X509Certificate, authorities: readonly X509Certificate[]): string {
  const chain = [certificate]
  for (;;) {
    const last = chain.at(-1) as X509Certificate
    const issuer = authorities.find(each => !chain.includes(each) && isIssuedBy(last, each))
    if (!issuer || isIssuedBy(issuer, issuer)) return chain.map(String).join('')
    chain.push(issuer)
  }
}

import type { X509Certificate } from 'node:crypto'

/** The digest of a signature that can be forged; `undefined` for a good one. */
export function weakDigestOf({ signatureAlgorithm = '' }: X509Certificate): string | undefined {
  if (/sha-?1(?!\d)/i.test(signatureAlgorithm)) return 'SHA-1'
  return /md[245]/i.exec(signatureAlgorithm)?.[0].toUpperCase()
}

/** Bits of a key below what OpenSSL's level 2 wants, 112 bits of security (NIST SP 800-57). */
export function weakKeyOf(certificate: X509Certificate): number | undefined {
  const { modulusLength } = certificate.publicKey.asymmetricKeyDetails ?? {}
  return modulusLength !== undefined && modulusLength < 2048 ? modulusLength : undefined
}

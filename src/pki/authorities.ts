import { createHash, X509Certificate } from 'node:crypto'
import { readPemOf } from './pem.ts'

/**
 * The certificates of a PEM bundle, in order. Throws an Error for a block that is damaged, half there or no
 * certificate.
 */
export function certificatesOf(pem: string): X509Certificate[] {
  const { blocks, damage } = readPemOf(pem, 'CERTIFICATE')
  if (damage.length > 0) throw new Error(`the bundle holds ${damage.join(' and ')}`)
  return blocks.map(({ der }) => new X509Certificate(der))
}

/** A CA of the configured bundle, with the name revocations are filed under. */
export interface Authority {
  readonly certificate: X509Certificate
  readonly keyId: string
}

/** The CAs of a PEM bundle, in order. Throws as `certificatesOf` does. */
export function authoritiesOf(bundlePem: string): Authority[] {
  return certificatesOf(bundlePem).map(toAuthority)
}

/** The same certificate as a CA. */
export function toAuthority(certificate: X509Certificate): Authority {
  return { certificate, keyId: authorityKeyId(certificate) }
}

/** Names a CA by its public key, which stays when its certificate is renewed. */
export function authorityKeyId(authority: X509Certificate): string {
  const spki = authority.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64url')
}

import { createHash, type X509Certificate } from 'node:crypto'

/** Names a CA by its public key, which stays when its certificate is renewed. */
export function authorityKeyId(authority: X509Certificate): string {
  const spki = authority.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64url')
}

/** Names a certificate by who issued it and its serial number (hexadecimal, any case, leading zeros or not). */
export function revocationKey(authorityId: string, serial: string): string {
  return `${authorityId}:${serial.toUpperCase().replace(/^0+(?=.)/, '')}`
}

import { X509Certificate } from 'node:crypto'
import { authorityKeyId } from './revocation.ts'

/** The certificates of a PEM bundle, in order. Throws what OpenSSL says about one that is not a certificate. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

/** A CA of the configured bundle, with the name revocations are filed under. */
export interface Authority {
  readonly certificate: X509Certificate
  readonly keyId: string
}

export function authoritiesOf(bundlePem: string): Authority[] {
  return certificatesOf(bundlePem).map(certificate => ({ certificate, keyId: authorityKeyId(certificate) }))
}

import { createRequire } from 'node:module'

/** Two hundred modules that a worker needs for odd certificates alone: they are loaded with the first of these. */
const x509 = (): typeof import('./x509.ts') => createRequire(import.meta.url)('./x509.ts')

/** The critical extensions that OpenSSL handles (`X509_supported_extension`); any other one spoils a certificate. */
const handled: ReadonlySet<string> = new Set([
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.30', // name constraints
  '2.5.29.31', // CRL distribution points
  '2.5.29.32', // certificate policies
  '2.5.29.33', // policy mappings
  '2.5.29.36', // policy constraints
  '2.5.29.37', // extended key usage
  '2.5.29.54', // inhibit anyPolicy
  '1.3.6.1.5.5.7.1.7', // address blocks
  '1.3.6.1.5.5.7.1.8', // autonomous systems
  '1.3.6.1.5.5.7.1.14', // proxy certificate
  '1.3.6.1.5.5.7.48.1.5', // no OCSP check
  '2.16.840.1.113730.1.1' // Netscape certificate type
])

/** The OID of a critical extension that OpenSSL does not handle; `undefined` for none. Takes DER. */
export function unknownCritical(certificate: Uint8Array): string | undefined {
  const { X509Certificate } = x509()
  const { extensions } = new X509Certificate(new Uint8Array(certificate))
  return extensions.find(({ critical, type }) => critical && !handled.has(type))?.type
}

import { createRequire } from 'node:module'
import type { BasicConstraintsExtension, KeyUsagesExtension } from './x509.ts'

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

const oid = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  proxy: '1.3.6.1.5.5.7.1.14'
} as const

/** What extensions of a certificate say of how it may be used. */
export interface Constraints {
  /** The OID of a critical extension that OpenSSL does not handle. */
  readonly unknownCritical: string | undefined
  /** How many CAs may stand between it and a leaf; `undefined`: any number. */
  readonly pathLength: number | undefined
  readonly hasNameConstraints: boolean
  readonly isProxy: boolean
  /** Whether its key may sign a handshake, or agree on a key for one; `undefined`: nothing is said. */
  readonly maySign: boolean | undefined
}

/** Takes DER. Throws for what is no certificate. */
export function constraintsIn(certificate: Uint8Array): Constraints {
  const { X509Certificate, KeyUsageFlags } = x509()
  const parsed = new X509Certificate(new Uint8Array(certificate))
  const { extensions } = parsed
  const has = (type: string) => extensions.some(each => each.type === type)
  const basic = parsed.getExtension<BasicConstraintsExtension>(oid.basicConstraints)
  const usage = parsed.getExtension<KeyUsagesExtension>(oid.keyUsage)
  const handshake = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyAgreement
  return {
    unknownCritical: extensions.find(({ critical, type }) => critical && !handled.has(type))?.type,
    pathLength: basic?.pathLength,
    hasNameConstraints: has(oid.nameConstraints),
    isProxy: has(oid.proxy),
    maySign: usage ? (usage.usages & handshake) !== 0 : undefined
  }
}

/** The OID of a critical extension that OpenSSL does not handle; `undefined` for none. Takes DER. */
export function unknownCritical(certificate: Uint8Array): string | undefined {
  return constraintsIn(certificate).unknownCritical
}

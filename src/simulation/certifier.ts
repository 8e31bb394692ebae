import { randomBytes, type webcrypto } from 'node:crypto'
import {
  generateKeyPair,
  importKeyPair,
  type KeyPair,
  type KeyType,
  signingAlgorithm
} from '../pki/key-pair.ts'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  type PublicKey,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator
} from '../pki/x509.ts'

/** One CA certificate with its key: the root, or the intermediate that signs leaves. */
export interface Certifier {
  readonly certificate: X509Certificate
  readonly keys: KeyPair
}

/** A certifier as two PEM texts, to be written to files. */
export interface SavedCertifier {
  readonly cert: string
  readonly key: string
}

/** From when until when a certificate is valid. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** What is certified. `serialNumber` is hexadecimal. */
export interface Certification extends Validity {
  readonly serialNumber: string
  readonly subject: Name | string
  readonly publicKey: PublicKey | webcrypto.CryptoKey
  readonly extensions: readonly Extension[]
}

/** A new certifier, self-signed unless an `issuer` is given. */
export async function createCertifier(
  options: Validity & { readonly commonName: string; readonly keyType: KeyType; readonly issuer?: Certifier }
): Promise<Certifier> {
  const keys = await generateKeyPair(options.keyType)
  return selfOrSigned(keys, `CN=${options.commonName}`, options, options.issuer)
}

/** A certifier with the keys and the name of another, and a new certificate; self-signed unless an `issuer` is given. */
export function renewCertifier(
  { keys, certificate }: Certifier,
  validity: Validity,
  issuer: Certifier | undefined
): Promise<Certifier> {
  return selfOrSigned(keys, certificate.subjectName, validity, issuer)
}

async function selfOrSigned(
  keys: KeyPair,
  subject: Name | string,
  { notBefore, notAfter }: Validity,
  issuer: Certifier | undefined
): Promise<Certifier> {
  const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
  const what = {
    notBefore,
    notAfter,
    subject,
    serialNumber: newSerial(),
    publicKey: keys.publicKey,
    extensions: [new BasicConstraintsExtension(true, undefined, true), new KeyUsagesExtension(usage, true)]
  }
  const signer = issuer ?? { keys, certificate: { subjectName: subject } }
  return { keys, certificate: await sign(what, signer.keys, signer.certificate.subjectName) }
}

/** Signs a certificate with `issuer`'s key; adds the key identifiers of subject and issuer. */
export function certify(what: Certification, issuer: Certifier): Promise<X509Certificate> {
  return sign(what, issuer.keys, issuer.certificate.subjectName)
}

/** A positive random serial number of 64 bits, as OpenSSL and Node print it: upper-case hexadecimal. */
export function newSerial(): string {
  const bytes = randomBytes(8)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex').toUpperCase()
}

/** PEM with the line break at its end that lets texts be joined. */
export function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

export function saveCertifier({ certificate, keys }: Certifier): SavedCertifier {
  return { cert: pemOf(certificate), key: keys.pem }
}

export function loadCertifier({ cert, key }: SavedCertifier): Certifier {
  return { certificate: new X509Certificate(cert), keys: importKeyPair(key) }
}

async function sign(what: Certification, keys: KeyPair, issuer: Name | string): Promise<X509Certificate> {
  const { extensions, publicKey, ...rest } = what
  const identifiers = await Promise.all([
    SubjectKeyIdentifierExtension.create(publicKey),
    AuthorityKeyIdentifierExtension.create(keys.publicKey)
  ])
  return X509CertificateGenerator.create({
    ...rest,
    issuer,
    publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: signingAlgorithm(keys.privateKey),
    extensions: [...extensions, ...identifiers]
  })
}

import { signingAlgorithm } from '../pki/key-pair.ts'
import {
  AuthorityKeyIdentifierExtension,
  Extension,
  PemConverter,
  X509CrlGenerator,
  X509CrlReason
} from '../pki/x509.ts'
import type { Certifier } from './certifier.ts'

/** What a certificate revocation list says. */
export interface RevocationListOptions {
  /** Serial numbers, hexadecimal in either case. */
  readonly revoked: readonly string[]
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly number: number
}

const crlNumber = '2.5.29.20'

/** A signed revocation list of one certifier (PEM). */
export async function createRevocationList(
  issuer: Certifier,
  { revoked, thisUpdate, nextUpdate, number }: RevocationListOptions
): Promise<string> {
  const { publicKey, privateKey } = issuer.keys
  const list = await X509CrlGenerator.create({
    issuer: issuer.certificate.subjectName,
    thisUpdate,
    nextUpdate,
    signingKey: privateKey,
    signingAlgorithm: signingAlgorithm(privateKey),
    extensions: [
      await AuthorityKeyIdentifierExtension.create(publicKey),
      new Extension(crlNumber, false, derInteger(number))
    ],
    entries: revoked.map(serialNumber => ({
      serialNumber: serialNumber.toLowerCase(),
      revocationDate: thisUpdate,
      reason: X509CrlReason.keyCompromise
    }))
  })
  // The library's own PEM label, "CRL", is one that OpenSSL does not know.
  return `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`
}

/** A non-negative INTEGER; DER wants it minimal, with a zero byte first where the sign bit would be set. */
function derInteger(value: number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  const content = bytes.readUInt8(0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
  return Buffer.concat([Buffer.from([0x02, content.length]), content])
}

import type { Extension } from '@peculiar/x509'
import { generateKeyPair, signingAlgorithm } from '../../../src/pki/key-pair.ts'
import { Name, X509CertificateGenerator } from '../../../src/pki/x509.ts'
import type { Authority, IssuedCertificate } from '../../../src/simulation/certificates.ts'
import {
  type Certifier,
  certify,
  loadCertifier,
  newSerial,
  pemOf
} from '../../../src/simulation/certifier.ts'
import { leafExtensions } from '../../../src/simulation/puppet-extensions.ts'

const dayMs = 24 * 60 * 60 * 1000

/** From a year ago to in a year, by the system's clock. */
export function aroundNow(): { notBefore: Date; notAfter: Date } {
  const nowMs = Date.now()
  return { notBefore: new Date(nowMs - 365 * dayMs), notAfter: new Date(nowMs + 365 * dayMs) }
}

/** The certifiers of an authority from the root down, for what the authority itself would not sign. */
export function certifiersOf(authority: Authority): readonly [Certifier, ...Certifier[]] {
  return authority.save().map(loadCertifier) as unknown as [Certifier, ...Certifier[]]
}

/** A subject part by part, each a type with one value or, in one part, several. */
export type Subject = readonly (readonly [type: string, ...values: string[]])[]

/** What `issueSubject` makes; `certifier` signs with its key, whether that is allowed or not. */
export interface OddCertificate extends Omit<IssuedCertificate, 'certname'> {
  readonly certifier: Certifier
}

/** A leaf with any subject, its values as they are to stand in the certificate. */
export async function issueSubject(
  issuers: readonly Certifier[],
  subject: Subject,
  {
    extensions = leafExtensions(),
    serial = newSerial()
  }: { readonly extensions?: readonly Extension[]; readonly serial?: string } = {}
): Promise<OddCertificate> {
  const keys = await generateKeyPair('ec')
  const signer = issuers.at(-1) as Certifier
  const certificate = await certify(
    {
      ...aroundNow(),
      subject: new Name(subject.map(([type, ...values]) => ({ [type]: values.map(asUtf8) }))),
      publicKey: keys.publicKey,
      serialNumber: serial,
      extensions
    },
    signer
  )
  const cert = pemOf(certificate)
  const above = issuers
    .slice(1)
    .toReversed()
    .map(each => pemOf(each.certificate))
  return {
    cert,
    chain: [cert, ...above].join(''),
    key: keys.pem,
    serial,
    certifier: { certificate, keys }
  }
}

/** A certificate that vouches for itself. */
export async function selfSigned(certname: string): Promise<Pick<IssuedCertificate, 'chain' | 'key'>> {
  const keys = await generateKeyPair('ec')
  const name = `CN=${certname}`
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...aroundNow(),
    name,
    keys,
    serialNumber: newSerial(),
    signingAlgorithm: signingAlgorithm(keys.privateKey)
  })
  return { chain: pemOf(certificate), key: keys.pem }
}

/** The library would read quotes and signs in a plain string as notation. */
function asUtf8(value: string): { utf8String: string } {
  return { utf8String: value }
}

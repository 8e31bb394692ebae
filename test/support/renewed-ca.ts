import { KeyObject, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  GeneralName,
  GeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator
} from '../../src/pki/x509.ts'
import { newSerial, pemOf } from '../../src/simulation/certifier.ts'

const dayMs = 86_400_000

/** How a certificate names the one that signed it: by its key, by issuer and serial number as well, or not at all. */
export type Identification = 'key' | 'serial' | 'none'

/** From when until when, in days from now. */
type Days = readonly [from: number, until: number]

const fromBefore: Days = [-50, 50]

/** One certificate with its key. */
export interface Link {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

/** A CA that expired yesterday and has new certificates of its old names and keys; from the root down. */
export interface RenewedCa {
  readonly old: readonly Link[]
  readonly renewed: readonly Link[]
  /** A certificate of an agent, signed when the CA had these certificates. */
  readonly issue: (by: readonly Link[], oddity?: LeafOddity) => Promise<Link>
}

export interface LeafOddity {
  readonly days?: Days
  readonly extensions?: readonly Extension[]
  readonly hash?: 'SHA-1' | 'SHA-256'
}

export async function createRenewedCa({
  levels = ['Root', 'Intermediate'],
  identification = 'key',
  extensions = [],
  rootPathLength
}: {
  /** Common names from the root down. */
  readonly levels?: readonly string[]
  readonly identification?: Identification
  /** Of the certificates of CAs. */
  readonly extensions?: readonly Extension[]
  /** How many CAs may stand below the root. */
  readonly rootPathLength?: number
} = {}): Promise<RenewedCa> {
  const keys = await Promise.all(levels.map(generate))
  const certify = async (days: Days) => {
    const links: Link[] = []
    for (const [index, name] of levels.entries()) {
      const own = keys[index] as webcrypto.CryptoKeyPair
      const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
      links.push(
        await sign(own, `CN=${name}`, days, links.at(-1), identification, [
          new BasicConstraintsExtension(true, index === 0 ? rootPathLength : undefined, true),
          new KeyUsagesExtension(usage, true),
          ...extensions
        ])
      )
    }
    return links
  }
  return {
    old: await certify([-99, -1]),
    renewed: await certify([-2, 99]),
    async issue(by, { days = fromBefore, extensions = forAgents(), hash }: LeafOddity = {}) {
      return sign(await generate(), 'CN=agent1', days, by.at(-1), identification, extensions, hash)
    }
  }
}

/** What Puppet says of what an agent may do with its certificate. */
export function forAgents(): readonly Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true)
  ]
}

export function pemsOf(...links: readonly Link[]): string {
  return links.map(({ certificate }) => pemOf(certificate)).join('')
}

export function keyPemOf({ keys }: Link): string {
  return String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }))
}

async function sign(
  keys: webcrypto.CryptoKeyPair,
  subject: string,
  days: Days,
  issuer: Link | undefined,
  identification: Identification,
  extensions: readonly Extension[],
  hash = 'SHA-256'
): Promise<Link> {
  const signer = issuer?.keys ?? keys
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: issuer?.certificate.subject ?? subject,
    notBefore: new Date(Date.now() + days[0] * dayMs),
    notAfter: new Date(Date.now() + days[1] * dayMs),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash },
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(await identifierOf(issuer, signer, identification))
    ]
  })
  return { certificate, keys }
}

async function identifierOf(
  issuer: Link | undefined,
  signer: webcrypto.CryptoKeyPair,
  identification: Identification
): Promise<Extension[]> {
  if (identification === 'none') return []
  if (identification === 'key' || !issuer)
    return [await AuthorityKeyIdentifierExtension.create(signer.publicKey)]
  const { issuer: name, serialNumber } = issuer.certificate
  return [
    await AuthorityKeyIdentifierExtension.create({
      name: new GeneralNames([new GeneralName('dn', name)]),
      serialNumber
    })
  ]
}

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
}

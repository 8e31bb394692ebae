import { systemRuntime } from '../model/runtime.ts'
import { generateKeyPair, type KeyType } from '../pki/key-pair.ts'
import { alternativeNames } from '../pki/signing-request.ts'
import {
  type Extension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate
} from '../pki/x509.ts'
import { isPuppetOid } from '../puppet/trusted-extensions.ts'
import {
  type Certification,
  type Certifier,
  certify,
  createCertifier,
  loadCertifier,
  newSerial,
  pemOf,
  renewCertifier,
  type SavedCertifier,
  saveCertifier
} from './certifier.ts'
import { leafExtensions, type TrustedExtensions, trustedExtensions } from './puppet-extensions.ts'
import { createRevocationList } from './revocation-list.ts'

const dayMs = 24 * 60 * 60 * 1000
const leafDays = 5 * 365
const authorityDays = 15 * 365

/** How to make a Puppet CA. */
export interface AuthorityOptions {
  /** False makes a lone root that signs leaves itself, as CAs before Puppet 6 do. Default true. */
  readonly intermediate?: boolean
  /** Default `ec`, which is fast; Puppet's own CA is `rsa4096`. */
  readonly keyType?: KeyType
  /** Part of the common names; two authorities of one name are still strangers. Default `puppet`. */
  readonly name?: string
  /** Milliseconds since 1970; certificates are dated by it. */
  readonly wallClock?: () => number
}

/** A certificate to issue; the key is made with it. */
export interface IssueOptions {
  readonly certname: string
  /** Further names, DNS or IP; the certname is always among them. */
  readonly altNames?: readonly string[]
  /** Default `ec`. */
  readonly keyType?: KeyType
  /** Default: a day ago. */
  readonly notBefore?: Date
  /** Default: in five years. */
  readonly notAfter?: Date
  readonly extensions?: TrustedExtensions
}

/** A signed certificate, in PEM. */
export interface SignedCertificate {
  /** The leaf alone. */
  readonly cert: string
  /** Leaf first, then the intermediate if there is one: what a server presents. */
  readonly chain: string
  /** Upper-case hexadecimal, as Node and OpenSSL print it. */
  readonly serial: string
}

/** A certificate with its private key (PKCS#8 PEM). */
export interface IssuedCertificate extends SignedCertificate {
  readonly certname: string
  readonly key: string
}

/** What the revocation lists say. */
export interface CrlOptions {
  /** Serials of revoked leaves. */
  readonly revoked?: readonly string[]
  readonly thisUpdate?: Date
  /** Default: in five years. A past date makes an expired list. */
  readonly nextUpdate?: Date
}

/** A throwaway Puppet CA. */
export interface Authority {
  /** Intermediate (if any) and root, PEM: what agents keep as `ca.pem`. */
  readonly bundle: string
  readonly issue: (what: IssueOptions) => Promise<IssuedCertificate>
  /**
   * Signs a request (PEM) for the name in its subject, keeping alternative names and Puppet's own extensions. Rejects
   * when the request is not signed by its own key.
   */
  readonly sign: (request: string) => Promise<SignedCertificate>
  /** A new certificate for name, key and extensions of this one (PEM), as `certificate_renewal` makes it. */
  readonly renew: (certificate: string) => Promise<SignedCertificate>
  /** Revocation lists of every certifier, PEM, the signing one first: what agents keep as `crl.pem`. */
  readonly crl: (options?: CrlOptions) => Promise<string>
  /** Certifiers from the root down, for `loadAuthority`. */
  readonly save: () => readonly SavedCertifier[]
}

/** Makes a Puppet CA: a root and an intermediate unless told otherwise. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const {
    intermediate = true,
    keyType = 'ec',
    name = 'puppet',
    wallClock = systemRuntime.wallClock
  } = options
  const validity = validityFrom(wallClock(), authorityDays)
  const unique = newSerial().toLowerCase()
  const rootName = intermediate ? `Puppet Root CA: ${unique}` : `Puppet CA: ${name} ${unique}`
  const root = await createCertifier({ ...validity, keyType, commonName: rootName })
  if (!intermediate) return authorityOf([root], wallClock)
  const commonName = `Puppet CA: ${name} ${unique}`
  return authorityOf(
    [root, await createCertifier({ ...validity, keyType, commonName, issuer: root })],
    wallClock
  )
}

/** The authority whose `save()` gave these certifiers. */
export function loadAuthority(
  saved: readonly SavedCertifier[],
  wallClock = systemRuntime.wallClock
): Authority {
  return authorityOf(saved.map(loadCertifier), wallClock)
}

/** The same authority with new certificates of its old keys and names, as after `puppetserver ca` renewed it. */
export async function renewAuthority(
  authority: Authority,
  wallClock = systemRuntime.wallClock
): Promise<Authority> {
  const validity = validityFrom(wallClock(), authorityDays)
  const renewed: Certifier[] = []
  for (const saved of authority.save()) {
    renewed.push(await renewCertifier(loadCertifier(saved), validity, renewed.at(-1)))
  }
  return authorityOf(renewed, wallClock)
}

function authorityOf(certifiers: readonly Certifier[], wallClock: () => number): Authority {
  const signer = certifiers.at(-1)
  if (signer === undefined) throw new Error('an authority needs at least one certifier')
  const fromSigner = certifiers.toReversed()
  const intermediates = fromSigner.slice(0, -1).map(({ certificate }) => pemOf(certificate))
  let lists = 0

  const signLeaf = async (what: Omit<Certification, 'serialNumber'>): Promise<SignedCertificate> => {
    const serial = newSerial()
    const extensions = [...leafExtensions(), ...what.extensions]
    const cert = pemOf(await certify({ ...what, extensions, serialNumber: serial.toLowerCase() }, signer))
    return { cert, chain: [cert, ...intermediates].join(''), serial }
  }

  return Object.freeze({
    bundle: fromSigner.map(({ certificate }) => pemOf(certificate)).join(''),

    issue: async ({ certname, altNames = [], keyType = 'ec', extensions = {}, ...dates }: IssueOptions) => {
      const keys = await generateKeyPair(keyType)
      const signed = await signLeaf({
        ...validityFrom(wallClock(), leafDays),
        ...dates,
        subject: `CN=${certname}`,
        publicKey: keys.publicKey,
        extensions: [alternativeNames([certname, ...altNames]), ...trustedExtensions(extensions)]
      })
      return { ...signed, certname, key: keys.pem }
    },

    sign: async (pem: string) => {
      const request = new Pkcs10CertificateRequest(pem)
      if (!(await request.verify())) throw new Error('the certificate request is not signed by its own key')
      return signLeaf({
        ...validityFrom(wallClock(), leafDays),
        subject: request.subjectName,
        publicKey: request.publicKey,
        extensions: [
          alternativeNames([...request.subjectName.getField('CN'), ...namesIn(request.extensions)]),
          ...request.extensions.filter(({ type }) => isPuppetOid(type))
        ]
      })
    },

    renew: async (pem: string) => {
      const { subjectName, publicKey, extensions } = new X509Certificate(pem)
      return signLeaf({
        ...validityFrom(wallClock(), leafDays),
        subject: subjectName,
        publicKey,
        extensions: [
          alternativeNames(namesIn(extensions)),
          ...extensions.filter(({ type }) => isPuppetOid(type))
        ]
      })
    },

    crl: async ({ revoked = [], thisUpdate, nextUpdate }: CrlOptions = {}) => {
      const { notBefore, notAfter } = validityFrom(wallClock(), leafDays)
      const dates = {
        thisUpdate: thisUpdate ?? notBefore,
        nextUpdate: nextUpdate ?? notAfter,
        number: ++lists
      }
      const list = (issuer: Certifier) =>
        createRevocationList(issuer, { ...dates, revoked: issuer === signer ? revoked : [] })
      return (await Promise.all(fromSigner.map(list))).join('')
    },

    save: () => certifiers.map(saveCertifier)
  })
}

function namesIn(extensions: readonly Extension[]): readonly string[] {
  return extensions.flatMap(extension =>
    extension instanceof SubjectAlternativeNameExtension
      ? extension.names.items.map(({ value }) => value)
      : []
  )
}

function validityFrom(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - dayMs), notAfter: new Date(nowMs + days * dayMs) }
}

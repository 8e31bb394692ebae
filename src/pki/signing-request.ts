import { createPublicKey } from 'node:crypto'
import { isIP } from 'node:net'
import { fingerprintOf } from './fingerprint.ts'
import { type KeyPair, signingAlgorithm } from './key-pair.ts'
import { readPemOf } from './pem.ts'
import {
  ExtensionsAttribute,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension
} from './x509.ts'

/** What a server asks a CA to certify. */
export interface ServerIdentity {
  /** The certname, which becomes the common name. */
  readonly name: string
  /** Further names, DNS names or IP addresses. */
  readonly altNames: readonly string[]
}

/**
 * A certificate signing request (PEM) for a server, signed with its keys. Without further names it asks for no alternative
 * names: Puppet Server adds the certname by itself, and older ones refuse any that is asked for.
 */
export async function createSigningRequest(identity: ServerIdentity, keys: KeyPair): Promise<string> {
  const names = namesOf(identity)
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [identity.name] }],
    keys,
    signingAlgorithm: signingAlgorithm(keys.privateKey),
    attributes: names.length > 1 ? [new ExtensionsAttribute([alternativeNames(names)])] : []
  })
  return `${request.toString('pem')}\n`
}

/** Every name, each once, the certname first. */
export function namesOf({ name, altNames }: ServerIdentity): readonly string[] {
  return [...new Set([name, ...altNames])]
}

/** Subject alternative names: what reads as an address becomes an IP entry, the rest DNS entries. */
export function alternativeNames(names: readonly string[]): SubjectAlternativeNameExtension {
  const entries = [...new Set(names)].map(value => ({ type: isIP(value) ? 'ip' : 'dns', value }) as const)
  return new SubjectAlternativeNameExtension(entries)
}

/** The digest of a request as `puppetserver ca list` prints it: SHA-256 of its DER. */
export function requestDigest(pem: string): string {
  const [block] = readPemOf(pem, 'CERTIFICATE REQUEST').blocks
  return fingerprintOf(block?.der ?? '')
}

/** The public key that a request (PEM) is for, DER; `undefined` when it cannot be read. */
export function requestedKey(pem: string): Buffer | undefined {
  try {
    const { publicKey } = new Pkcs10CertificateRequest(pem)
    return Buffer.from(publicKey.rawData)
  } catch {
    return undefined
  }
}

/** The public key of a pair, DER, as `requestedKey` gives it. */
export function publicKeyOf({ pem }: Pick<KeyPair, 'pem'>): Buffer {
  return createPublicKey(pem).export({ type: 'spki', format: 'der' })
}

import { type KeyPair, signingAlgorithm } from '../pki/key-pair.ts'
import { ExtensionsAttribute, Pkcs10CertificateRequestGenerator } from '../pki/x509.ts'
import { type TrustedExtensions, trustedExtensions } from './puppet-extensions.ts'

/** What an agent asks the CA to certify. */
export interface RequestedIdentity {
  readonly certname: string
  readonly extensions?: TrustedExtensions
}

/** A certificate signing request (PEM) as `puppet ssl submit_request` makes it, signed with `keys`. */
export async function createCertificateRequest(identity: RequestedIdentity, keys: KeyPair): Promise<string> {
  const { certname, extensions = {} } = identity
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [certname] }],
    keys,
    signingAlgorithm: signingAlgorithm(keys.privateKey),
    attributes: [new ExtensionsAttribute([...trustedExtensions(extensions)])]
  })
  return `${request.toString('pem')}\n`
}

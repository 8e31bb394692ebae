import { readPemOf } from '../pki/pem.ts'
import { X509Certificate, X509Crl } from '../pki/x509.ts'
import { type Answer, json, text } from './answer.ts'
import type { CaRegistry } from './ca-registry.ts'
import { answerForStatus } from './certificate-status.ts'
import type { Access, MasterCall } from './master-call.ts'

/** The CA of one master: answers a call for one of its documents, of somebody who may have it. */
export type CaService = (resource: string, call: MasterCall) => Promise<Answer>

/** What the CA API has, with the methods it takes. */
export const caMethods: Readonly<Record<string, readonly string[]>> = {
  certificate: ['GET'],
  certificate_request: ['GET', 'PUT'],
  certificate_revocation_list: ['GET'],
  expirations: ['GET'],
  certificate_renewal: ['POST'],
  certificate_status: ['PUT', 'DELETE']
}

/** Who may have what of it; everything else is for anyone. */
export const caAccess: Readonly<Record<string, Access>> = {
  expirations: 'authenticated',
  certificate_status: 'operator'
}

/** What agents ask of a CA, and how operators sign and revoke; version 1 and its older spelling alike. */
export function createCaService(registry: CaRegistry): CaService {
  const found = (what: string, document: string | undefined): Answer =>
    document === undefined ? text(404, `Could not find ${what}`) : text(200, document)

  async function submit({ key, body }: MasterCall): Promise<Answer> {
    const problem = await registry.submit(key, body?.toString() ?? '')
    return problem === undefined ? text(200, '') : text(400, problem)
  }

  async function renew({ caller: { certificate } }: MasterCall): Promise<Answer> {
    if (certificate === undefined) return text(400, 'No valid certificate found in renewal request')
    const renewed = await registry.renew(certificate)
    return renewed === undefined ? text(404, 'Not Found') : text(200, renewed)
  }

  return async (resource, call) => {
    const { key, method } = call
    switch (resource) {
      case 'certificate':
        return found(`certificate ${key}`, key === 'ca' ? registry.bundle() : registry.certificate(key))
      case 'certificate_request':
        return method === 'PUT' ? submit(call) : found(`certificate_request ${key}`, registry.request(key))
      case 'certificate_renewal':
        return renew(call)
      case 'certificate_status':
        return answerForStatus(registry, call)
      case 'expirations':
        return json(200, await expirationsOf(registry))
      default:
        return text(200, await registry.crl())
    }
  }
}

/** When certificates and full lists of the CA end, by common name. */
async function expirationsOf(registry: CaRegistry): Promise<unknown> {
  const blocksOf = (pem: string, label: string) => readPemOf(pem, label).blocks.map(({ der }) => der)
  const entry = (name: string, end: Date | undefined) => [
    name.replace(/^.*CN=/, ''),
    end?.toISOString().replace(/\.\d+Z$/, 'UTC')
  ]
  const certificates = blocksOf(registry.bundle(), 'CERTIFICATE').map(der => new X509Certificate(der))
  const lists = blocksOf(await registry.fullCrl(), 'X509 CRL').map(der => new X509Crl(der))
  return {
    'ca-certs': Object.fromEntries(certificates.map(({ subject, notAfter }) => entry(subject, notAfter))),
    crls: Object.fromEntries(lists.map(({ issuer, nextUpdate }) => entry(issuer, nextUpdate)))
  }
}

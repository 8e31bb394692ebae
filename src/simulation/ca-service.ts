import { Pkcs10CertificateRequest } from '../pki/x509.ts'
import { type Answer, text } from './answer.ts'
import type { Authority } from './certificates.ts'
import type { MasterCall } from './master-call.ts'

/** The CA of one master: answers a call for one of its documents; open to everybody. */
export type CaService = (resource: string, call: MasterCall) => Promise<Answer>

/** What the CA API has, with the methods it takes. */
export const caMethods: Readonly<Record<string, readonly string[]>> = {
  certificate: ['GET'],
  certificate_request: ['PUT'],
  certificate_revocation_list: ['GET']
}

/** The part of the CA API that agents use, version 1 and its older spelling alike; signs every proper request at once. */
export function createCaService(authority: Authority): CaService {
  const signed = new Map<string, string>()

  const submit = async ({ key, body }: MasterCall): Promise<Answer> => {
    const request = body?.toString() ?? ''
    const problem = await problemOf(request, key)
    if (problem !== undefined) return text(400, problem)
    if (signed.has(key))
      return text(400, `${key} already has a signed certificate; ignoring certificate request`)
    signed.set(key, (await authority.sign(request)).cert)
    return text(200, '')
  }

  const certificate = ({ key }: MasterCall): Answer => {
    const found = key === 'ca' ? authority.bundle : signed.get(key)
    return found === undefined ? text(404, `Could not find certificate ${key}`) : text(200, found)
  }

  return async (resource, call) => {
    if (resource === 'certificate') return certificate(call)
    if (resource === 'certificate_request') return submit(call)
    return text(200, await authority.crl())
  }
}

async function problemOf(request: string, certname: string): Promise<string | undefined> {
  try {
    const parsed = new Pkcs10CertificateRequest(request)
    const [subject] = parsed.subjectName.getField('CN')
    if (subject !== certname) {
      return `Instance name "${subject}" does not match requested key "${certname}"`
    }
    return (await parsed.verify())
      ? undefined
      : 'CSR contains a public key that does not correspond to the signing key'
  } catch {
    return 'The certificate request cannot be read'
  }
}

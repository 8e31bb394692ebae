import { Pkcs10CertificateRequest } from '../pki/x509.ts'
import { type Answer, json, text } from './answer.ts'
import type { Authority } from './certificates.ts'
import type { Access, MasterCall } from './master-call.ts'

/** The CA of one master: what was asked, signed and revoked. */
export interface CaService {
  /** Who may make this call; `undefined` where the CA has nothing. */
  readonly access: (resource: string, method: string) => Access | undefined
  readonly serve: (resource: string, call: MasterCall) => Promise<Answer>
  /** Revokes a certificate by its serial; the next CRL has it. */
  readonly revoke: (serial: string) => void
  /** Signs a waiting request; rejects when there is none. */
  readonly sign: (certname: string) => Promise<void>
  /** Names of those whose request waits to be signed. */
  readonly waiting: () => readonly string[]
}

const resources: Readonly<Record<string, Readonly<Record<string, Access>>>> = {
  certificate: { GET: 'anyone' },
  certificate_request: { GET: 'anyone', PUT: 'anyone' },
  certificate_revocation_list: { GET: 'anyone' },
  certificate_status: { GET: 'cli', PUT: 'cli', DELETE: 'cli' },
  certificate_statuses: { GET: 'cli' }
}

/** The CA API, version 1 and its older spelling alike; signs every proper request at once if `autosign`. */
export function createCaService(
  authority: Authority,
  { autosign, wallClock }: { readonly autosign: boolean; readonly wallClock: () => number }
): CaService {
  const requests = new Map<string, string>()
  const signed = new Map<string, { readonly cert: string; readonly serial: string }>()
  const revoked = new Set<string>()
  const bundleSinceMs = wallClock()
  let crlSinceMs = bundleSinceMs

  const sign = async (certname: string): Promise<void> => {
    const request = requests.get(certname)
    if (request === undefined) throw new Error(`${certname} has not asked for a certificate`)
    signed.set(certname, await authority.sign(request))
    requests.delete(certname)
  }

  const revoke = (serial: string): void => {
    revoked.add(serial)
    crlSinceMs = wallClock()
  }

  const submit = async ({ key, body }: MasterCall): Promise<Answer> => {
    const request = body?.toString() ?? ''
    const problem = await problemOf(request, key)
    if (problem !== undefined) return text(400, problem)
    if (signed.has(key))
      return text(400, `${key} already has a signed certificate; ignoring certificate request`)
    requests.set(key, request)
    if (autosign) await sign(key)
    return text(200, '')
  }

  const setStatus = async ({ key, body }: MasterCall): Promise<Answer> => {
    const wanted = /"desired_state"\s*:\s*"(signed|revoked)"/.exec(body?.toString() ?? '')?.[1]
    const certificate = signed.get(key)
    if (wanted === undefined) return text(400, 'Must specify desired state of signed or revoked.')
    if (wanted === 'revoked' && certificate) revoke(certificate.serial)
    else if (wanted === 'signed' && requests.has(key)) await sign(key)
    else return text(409, `Cannot make certificate for host ${key} ${wanted}`)
    return { status: 204, headers: {}, body: '' }
  }

  const status = (certname: string) => ({
    name: certname,
    state: stateOf(certname),
    serial_number: signed.get(certname)?.serial
  })

  const stateOf = (certname: string) => {
    const certificate = signed.get(certname)
    if (certificate === undefined) return 'requested'
    return revoked.has(certificate.serial) ? 'revoked' : 'signed'
  }

  const clean = (certname: string): Answer => {
    const certificate = signed.get(certname)
    if (certificate) revoke(certificate.serial)
    signed.delete(certname)
    requests.delete(certname)
    return { status: 204, headers: {}, body: '' }
  }

  const statusCall = (call: MasterCall): Answer | Promise<Answer> => {
    if (!signed.has(call.key) && !requests.has(call.key)) return text(404, 'Invalid certificate subject.')
    if (call.method === 'PUT') return setStatus(call)
    return call.method === 'DELETE' ? clean(call.key) : json(200, status(call.key))
  }

  const certificate = ({ key, headers }: MasterCall): Answer => {
    if (key === 'ca') return unlessUnmodified(headers, bundleSinceMs, authority.bundle)
    const found = signed.get(key)?.cert
    return found === undefined ? text(404, `Could not find certificate ${key}`) : text(200, found)
  }

  const serve = async (resource: string, call: MasterCall): Promise<Answer> => {
    if (resource === 'certificate') return certificate(call)
    if (resource === 'certificate_status') return statusCall(call)
    if (resource === 'certificate_statuses') {
      return json(200, [...new Set([...requests.keys(), ...signed.keys()])].map(status))
    }
    if (resource === 'certificate_revocation_list') {
      return unlessUnmodified(call.headers, crlSinceMs, await authority.crl({ revoked: [...revoked] }))
    }
    if (call.method === 'PUT') return submit(call)
    const found = requests.get(call.key)
    return found === undefined
      ? text(404, `Could not find certificate_request ${call.key}`)
      : text(200, found)
  }

  return {
    access: (resource, method) => resources[resource]?.[method],
    serve,
    revoke,
    sign,
    waiting: () => [...requests.keys()]
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

function unlessUnmodified(headers: MasterCall['headers'], sinceMs: number, body: string): Answer {
  // HTTP dates are whole seconds.
  const modifiedMs = Math.floor(sinceMs / 1000) * 1000
  const knownMs = Date.parse(headers['if-modified-since'] ?? '')
  if (knownMs >= modifiedMs) return { status: 304, headers: {}, body: '' }
  return text(200, body, { 'Last-Modified': new Date(modifiedMs).toUTCString() })
}

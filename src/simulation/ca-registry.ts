import { X509Certificate } from 'node:crypto'
import { leafOf } from '../pki/server-certificate.ts'
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '../pki/x509.ts'
import type { Authority } from './certificates.ts'

/** What a CA's `ca.conf` and `autosign` say. */
export interface CaRules {
  /** Whether every request is signed at once. Default true. */
  readonly autosign?: boolean
  /** `allow-subject-alt-names`. Default false, as in Puppet Server. */
  readonly altNames?: boolean
  /** `allow-auto-renewal`, which Puppet Server has from 8.1 on. Default false. */
  readonly renewal?: boolean
  /** `enable-infra-crl`: agents get a list that never names one of them. Default false. */
  readonly infraCrl?: boolean
}

/** What a Puppet CA keeps: requests, certificates, and what it revoked. */
export interface CaRegistry {
  /** What it tells agents to believe, PEM. */
  readonly bundle: () => string
  /** Signs with this one from now on, and tells agents of its bundle. */
  readonly succeed: (authority: Authority, bundle: string) => void
  /** Takes a request; resolves with the sentence of a refusal. */
  readonly submit: (certname: string, request: string) => Promise<string | undefined>
  /** A request that waits, PEM. */
  readonly request: (certname: string) => string | undefined
  /** A certificate, PEM. */
  readonly certificate: (certname: string) => string | undefined
  /** A new certificate for the key and the names of this one, PEM; `undefined`: this CA renews none. */
  readonly renew: (certificate: string) => Promise<string | undefined>
  readonly crl: () => Promise<string>
  /** The full lists, whichever are served. */
  readonly fullCrl: () => Promise<string>
  /** `puppetserver ca sign`. Rejects as that does. */
  readonly sign: (certname: string) => Promise<void>
  /** Puts the certificate that it has into its list, and keeps it in `signed/`. */
  readonly revoke: (certname: string) => void
  /** Deletes certificate and request, without revoking anything. */
  readonly delete: (certname: string) => void
  /** `puppetserver ca clean`: both. */
  readonly clean: (certname: string) => void
  /** Takes the certificate out of `signed/` without revoking it. */
  readonly forget: (certname: string) => void
}

export function createCaRegistry(
  first: Authority,
  { autosign = true, altNames = false, renewal = false, infraCrl = false }: CaRules = {}
): CaRegistry {
  let authority = first
  let bundle = first.bundle
  const requests = new Map<string, string>()
  const signed = new Map<string, string>()
  const revoked: string[] = []
  const infrastructure = infraCrl ? firstList(first) : undefined
  /** The list is written when it changes. */
  let written: Promise<string> | undefined
  const fullCrl = () => {
    written ??= authority.crl({ revoked })
    return written
  }

  async function sign(certname: string): Promise<void> {
    const request = requests.get(certname)
    if (request === undefined) throw new Error(`No certificate signing request for ${certname}`)
    const extra = namesIn(request).filter(name => name !== certname)
    if (!altNames && extra.length > 0) throw new Error(disallowed(certname, extra))
    signed.set(certname, (await authority.sign(request)).cert)
    requests.delete(certname)
  }

  function revoke(certname: string): void {
    const serial = leafOf(signed.get(certname) ?? '')?.serialNumber
    if (serial === undefined || revoked.includes(serial)) return
    revoked.push(serial)
    written = undefined
  }

  function remove(certname: string): void {
    signed.delete(certname)
    requests.delete(certname)
  }

  return {
    bundle: () => bundle,
    succeed(next, nextBundle) {
      authority = next
      bundle = nextBundle
      written = undefined
    },
    async submit(certname, request) {
      const problem = await problemOf(request, certname)
      if (problem !== undefined) return problem
      const status = signed.has(certname) ? 'signed' : requests.has(certname) ? 'requested' : undefined
      if (status !== undefined)
        return `${certname} already has a ${status} certificate; ignoring certificate request`
      // Puppet Server keeps a request that it then refuses to sign by itself.
      requests.set(certname, request)
      return autosign ? sign(certname).then(() => undefined, messageOf) : undefined
    },
    request: certname => requests.get(certname),
    certificate: certname => signed.get(certname),
    async renew(certificate) {
      if (!renewal) return undefined
      const { cert } = await authority.renew(certificate)
      const [, certname = ''] = /^CN=(.*)$/m.exec(new X509Certificate(cert).subject) ?? []
      signed.set(certname, cert)
      return cert
    },
    crl: () => infrastructure ?? fullCrl(),
    fullCrl,
    sign,
    revoke,
    delete: remove,
    clean(certname) {
      revoke(certname)
      remove(certname)
    },
    forget: certname => void signed.delete(certname)
  }
}

/** The list that a CA is made with. */
function firstList(authority: Authority): Promise<string> {
  const { validFromDate } = new X509Certificate(authority.bundle)
  const listDays = 5 * 365
  return authority.crl({
    thisUpdate: validFromDate,
    nextUpdate: new Date(validFromDate.getTime() + listDays * 86_400_000)
  })
}

/** DNS names and addresses that a request asks for. */
function namesIn(request: string): readonly string[] {
  const { extensions } = new Pkcs10CertificateRequest(request)
  return extensions.flatMap(extension =>
    extension instanceof SubjectAlternativeNameExtension
      ? extension.names.items.map(({ value }) => value)
      : []
  )
}

function disallowed(certname: string, names: readonly string[]): string {
  return (
    `CSR '${certname}' contains extra subject alternative names (${names.join(', ')}), which are disallowed. ` +
    'To allow subject alternative names, set allow-subject-alt-names to true in your ca.conf file.'
  )
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

function messageOf(error: unknown): string {
  return (error as Error).message
}

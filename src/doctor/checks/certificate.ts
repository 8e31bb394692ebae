import type { X509Certificate } from 'node:crypto'
import type { CertificateEnd } from '../../control/certificate-ends.ts'
import { type Authority, authoritiesOf, certificatesOf } from '../../pki/authorities.ts'
import type { AuthorityList } from '../../pki/crl.ts'
import { hasSerial, serialOf } from '../../pki/serials.ts'
import type { MemberFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { type Enrolled, type EnrolledBy, newCertificate, nextHopCertificate } from '../new-certificate.ts'
import { authorityFile } from '../places.ts'

const find = findingOf('certificate')

const DAY_MS = 86_400_000
/** So long before its end a certificate is told of. */
const SOON_MS = 30 * DAY_MS

/** What members show in their handshakes. Pure. */
export function checkShown({ masters, ca, isCaMaster }: SiteFacts, nowMs: number): readonly Finding[] {
  return [...masters, ...(isCaMaster ? [] : [ca])].flatMap(({ name, certificate, trouble }) => {
    if (!certificate) return []
    if (trouble?.kind === 'tls-verify') return [unbelieved(name, certificate)]
    return endsSoon(name, certificate.validToDate.getTime(), nowMs, 'Renew the certificate of that server.')
  })
}

function unbelieved(
  name: string,
  { subjectAltName = '(none)', subject, issuer, validFrom, validTo }: X509Certificate
) {
  return find(
    'error',
    name,
    `it shows a certificate of ${line(subject)} by ${line(issuer)}, from ${validFrom} to ${validTo}, for ` +
      `${subjectAltName}; that is not good here.`,
    'The host in its URL must be one of those names, its CA must be in upstream.tls.ca, and its dates must include now. ' +
      'With another name, set upstream.tls.serverName, or issue it a certificate with this one (--subject-alt-names).'
  )
}

/** Our own, as agents see it; of settings that could be loaded, so keys and dates fit. Pure. */
export function checkOwn(
  {
    certificates,
    ca
  }: {
    readonly certificates: readonly { readonly cert: string; readonly certFile: string }[]
    readonly ca: string
  },
  lists: readonly AuthorityList[],
  by: EnrolledBy,
  nowMs: number
): readonly Finding[] {
  const authorities = authoritiesOf(ca)
  return certificates.flatMap(({ cert, certFile }) => {
    const chain = certificatesOf(cert)
    const [leaf] = chain
    if (!leaf) return []
    const own = { file: certFile, leaf, by: by(certFile) }
    return [
      ...chainProblem(own, chain, authorities, nowMs),
      ...nameProblem(own),
      ...purposeProblem(own),
      ...revokedProblem(own, authorities, lists)
    ]
  })
}

/** A certificate of ours. */
interface Own {
  readonly file: string
  readonly leaf: X509Certificate
  readonly by: Enrolled | undefined
}

/** Each certificate must be signed by the next, and the last by a CA of `tls.ca`, which is what agents know. */
function chainProblem(
  { file, by }: Own,
  chain: readonly X509Certificate[],
  authorities: readonly Authority[],
  nowMs: number
): readonly Finding[] {
  const last = chain.at(-1) as X509Certificate
  const broken = chain
    .slice(0, -1)
    .find((each, index) => !each.verify((chain[index + 1] as X509Certificate).publicKey))
  const signers = authorities.filter(({ certificate }) => last.verify(certificate.publicKey))
  if (broken || signers.length === 0) {
    const message = broken
      ? `in ${file} the certificate of ${line(broken.subject)} is not signed by the one behind it.`
      : `no CA of tls.ca has signed ${line(last.subject)} in ${file}: agents, who know the Puppet CA alone, do not believe it.`
    return [
      find(
        'error',
        'tls.cert',
        message,
        `${newCertificate(by)} An intermediate CA belongs behind it in the file.`
      )
    ]
  }
  if (signers.some(({ certificate }) => certificate.validToDate.getTime() > nowMs)) return []
  return [
    find(
      'error',
      'tls.ca',
      `the CA that signed ${file} has expired.`,
      'Renew the CA, and copy its certificates to tls.ca and to agents.'
    )
  ]
}

function nameProblem({ file, leaf: { subjectAltName }, by }: Own): readonly Finding[] {
  if (subjectAltName !== undefined) return []
  const message = `the certificate in ${file} has no alternative names: many clients look at nothing else.`
  return [find('warning', 'tls.cert', message, newCertificate(by))]
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

function purposeProblem({ file, leaf: { keyUsage }, by }: Own): readonly Finding[] {
  if (keyUsage === undefined || keyUsage.includes(SERVER_AUTH)) return []
  const message = `the certificate in ${file} is not for servers (extended key usage), so agents refuse it.`
  return [find('error', 'tls.cert', message, newCertificate(by))]
}

function revokedProblem(
  { file, leaf, by }: Own,
  authorities: readonly Authority[],
  lists: readonly AuthorityList[]
): readonly Finding[] {
  const signers = authorities.filter(({ certificate }) => leaf.verify(certificate.publicKey))
  const isRevoked = lists.some(
    list => signers.some(({ keyId }) => keyId === list.authority) && hasSerial(list, serialOf(leaf.raw))
  )
  if (!isRevoked) return []
  return [
    find(
      'error',
      'tls.cert',
      `the CA has revoked the certificate in ${file}: agents refuse it.`,
      newCertificate(by)
    )
  ]
}

/** The ends of all certificates that the configuration names, but for the enrolled one, which is renewed. Pure. */
export function checkEnds(
  ends: readonly CertificateEnd[],
  by: EnrolledBy,
  nowMs: number
): readonly Finding[] {
  return ends
    .filter(({ hasHeir, role, source }) => !hasHeir && !(isOurs(role) && by(source)))
    .flatMap(({ role, notAfter, source }) =>
      endsSoon(`${role} (${source})`, notAfter.getTime(), nowMs, renewalOf(role, by(source)))
    )
}

function isOurs(role: string): boolean {
  return /^server(?:-\d+)?$/.test(role)
}

function renewalOf(role: string, by: Enrolled | undefined): string {
  if (role === 'upstream-client') return nextHopCertificate
  if (!/^(?:upstream-)?ca-|-intermediate-/.test(role)) return newCertificate(by)
  const here = by ? 'a balancer that runs follows it here by itself' : 'both may stand in the file of tls.ca'
  return `Renew the certificate of the CA with its key as it is, and copy it to all agents; ${here}.`
}

function endsSoon(subject: string, endMs: number, nowMs: number, remedy: string): readonly Finding[] {
  if (endMs - nowMs > SOON_MS) return []
  const date = new Date(endMs).toISOString().slice(0, 10)
  const isOver = endMs <= nowMs
  const message = isOver
    ? `its certificate ended on ${date}.`
    : `its certificate ends on ${date}, in ${Math.floor((endMs - nowMs) / DAY_MS)} days.`
  return [find('warning', subject, message, remedy)]
}

/** Whether the CA that is asked is the one whose agents are let in. Pure. */
export function checkBundle({ ca }: SiteFacts, tlsCa: string): readonly Finding[] {
  const bundle = bundleOf(ca)
  if (bundle === undefined) return []
  const known = new Set(authoritiesOf(tlsCa).map(({ keyId }) => keyId))
  const missing = bundle.filter(({ keyId }) => !known.has(keyId))
  if (missing.length === 0) return []
  const names = missing.map(({ certificate }) => line(certificate.subject)).join(', ')
  const message =
    missing.length === bundle.length
      ? `ca.url is another CA than the one in tls.ca: it is ${names}.`
      : `tls.ca lacks a certificate of the CA, ${names}: agents whose certificates need it are refused.`
  return [
    find(
      'error',
      'tls.ca',
      message,
      `Copy the whole bundle of the CA to the file: ${authorityFile('ca_crt.pem')}.`
    )
  ]
}

function bundleOf({ documents }: MemberFacts): readonly Authority[] | undefined {
  if (documents?.bundle === undefined) return undefined
  try {
    const bundle = authoritiesOf(documents.bundle)
    return bundle.length > 0 ? bundle : undefined
  } catch {
    return undefined
  }
}

function line(name: string): string {
  return JSON.stringify(name.replaceAll('\n', ', ').replace(/[\p{Cc}\p{Cf}]/gu, ''))
}

import { renewalDueMs } from '../../control/certificates/due.ts'
import type { OwnState } from '../../model/enrolment.ts'
import { leafOf } from '../../pki/server-certificate.ts'
import type { OwnCertificateFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { type EnrolledBy, nextCertificate } from '../new-certificate.ts'

const find = findingOf('certificate')

/** A balancer looks every ten minutes whether it is to renew, and the CA may be away for a moment. */
const RENEWED_MS = 3_600_000

/** An enrolled certificate that is not renewed although it is time. `standing`: what a running balancer says. Pure. */
export function checkRenewal(
  certificates: readonly { readonly cert: string; readonly certFile: string }[],
  by: EnrolledBy,
  standing: OwnCertificateFacts | undefined,
  nowMs: number
): readonly Finding[] {
  if (standing?.state === 'renewal-due') return []
  return certificates.flatMap(({ cert, certFile }) => {
    const [enrolled, leaf] = [by(certFile), leafOf(cert)]
    // The last moment at which any balancer begins.
    if (!enrolled || !leaf || nowMs < renewalDueMs(leaf, 1) + RENEWED_MS) return []
    const message = `the certificate in ${certFile} ends on ${leaf.validToDate.toISOString()} and is not renewed yet.`
    return [find('warning', 'tls.cert', message, nextCertificate(enrolled))]
  })
}

const levels: Readonly<Record<Exclude<OwnState, 'good'>, Finding['level']>> = {
  'renewal-due': 'warning',
  expired: 'error',
  revoked: 'error',
  cleaned: 'error',
  replaced: 'error'
}

/** What a running balancer says of the certificate that agents see. Pure. */
export function checkStanding({ state, cause }: OwnCertificateFacts): readonly Finding[] {
  if (state === 'good' || cause === null) return []
  const [, message = cause, remedy = 'Do what it says; puppet-lb status tells when all is good.'] =
    /^(.*?)\.? (A new one: .*)$/s.exec(cause) ?? []
  return [find(levels[state], 'tls.cert', sentence(message), sentence(remedy))]
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

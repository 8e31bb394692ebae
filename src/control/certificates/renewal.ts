import type { X509Certificate } from 'node:crypto'
import type { EnrollSettings } from '../../model/enrolment.ts'
import { certificatesOf } from '../../pki/authorities.ts'
import type { KeyPair } from '../../pki/key-pair.ts'
import { certificateProblem, leafOf, missingNames } from '../../pki/server-certificate.ts'
import { createSigningRequest, publicKeyOf } from '../../pki/signing-request.ts'
import { whereForbidden } from './anew.ts'
import { type CaAnswer, type CaClient, createCaClient } from './ca-client.ts'
import { type EnrolmentTask, verifiedReach } from './enrolment-task.ts'
import { lookForSignature, sentenceOf } from './signature.ts'
import { strangeAnswer } from './strange-answer.ts'

/** A certificate that is to be renewed. */
export interface OldCertificate {
  /** PEM as it is shown: the leaf, then intermediates. */
  readonly cert: string
  readonly leaf: X509Certificate
  readonly keys: KeyPair
  /** The CA bundle, PEM. */
  readonly bundle: string
}

/** What an attempt came to. */
export type Renewal =
  | { readonly result: 'renewed'; readonly certificate: X509Certificate }
  /** Somebody has to do something; the sentences say what. `isWaiting`: no more than to sign. */
  | { readonly result: 'hindered'; readonly hindrance: string; readonly isWaiting?: boolean }

/**
 * Asks the CA for a new certificate of the same key and names: by `certificate_renewal`, which Puppet Server has from 8.1
 * on where `allow-auto-renewal` is set, else by a request that somebody signs, which a CA takes once it has no certificate
 * of this name. May be done again and again. Rejects with a CaAwayError or an EnrolmentError.
 */
export async function renew(task: EnrolmentTask, old: OldCertificate, nowMs: number): Promise<Renewal> {
  const { settings, reach } = task
  const client = createCaClient(verifiedReach(task, old.bundle))
  const expected = {
    name: settings.name,
    publicKey: publicKeyOf(old.keys),
    authorities: certificatesOf(old.bundle)
  }
  const answer = await client.renew({
    cert: old.cert,
    key: old.keys.pem,
    leaf: String(old.leaf),
    name: settings.name
  })
  if (answer.status === 200) {
    const certificate = leafOf(answer.text)
    if (!certificate) {
      const strange = strangeAnswer(answer, 'certificate')
      const hindrance = `the CA at ${reach.url} ${strange} when it was asked to renew the one of ${settings.name}`
      return { result: 'hindered', hindrance }
    }
    let problem = certificateProblem(certificate, { ...expected, nowMs })
    if (certificate.serialNumber === old.leaf.serialNumber) problem = 'is the old one again'
    if (problem === undefined) return { result: 'renewed', certificate }
    return { result: 'hindered', hindrance: `the certificate that the CA at ${reach.url} renewed ${problem}` }
  }
  const why = `the CA at ${reach.url} ${whyNotRenewed(answer)}`
  return renewByRequest(client, { task, old, expected, why }, nowMs)
}

/**
 * What an answer to `certificate_renewal` without a certificate means. Puppet Server before 8.1 has no rule for it in its
 * `auth.conf` and forbids it; later ones have it, and answer 404 without `allow-auto-renewal`.
 */
export function whyNotRenewed({ status, text }: CaAnswer): string {
  const from = 'Puppet Server does from 8.1 on, with allow-auto-renewal: true in its ca.conf'
  if (status === 404) return `renews no certificates (${from})`
  if (status === 403 && /^forbidden request/i.test(text))
    return `renews no certificates: its auth.conf lets nobody ask for that, or not this one (${from})`
  return `does not renew the certificate (${status}: ${sentenceOf(text)})`
}

/**
 * Why a good certificate is no good in place of the one in use: an end of a sentence that begins with "the next one".
 * `undefined`: it may take its place.
 */
export function whyNoBetter(
  next: X509Certificate,
  leaf: X509Certificate,
  settings: EnrollSettings
): string | undefined {
  const end = next.validToDate.toISOString()
  if (next.validToDate <= leaf.validToDate)
    return `would end on ${end}, no later (auto-renewal-cert-ttl or ca-ttl in its ca.conf)`
  const before = missingNames(leaf, settings)
  const lost = missingNames(next, settings).filter(name => !before.includes(name))
  return lost.length > 0 ? `lacks ${lost.join(', ')}` : undefined
}

async function renewByRequest(
  client: CaClient,
  {
    task: { settings, reach },
    old,
    expected,
    why
  }: {
    readonly task: EnrolmentTask
    readonly old: OldCertificate
    readonly expected: Parameters<typeof lookForSignature>[0]['expected']
    readonly why: string
  },
  nowMs: number
): Promise<Renewal> {
  const { name } = settings
  const signingRequest = await createSigningRequest(settings, old.keys)
  const knownSerial = old.leaf.serialNumber
  const found = await lookForSignature(
    { client, settings, signingRequest, expected, url: reach.url, knownSerial },
    nowMs
  )
  if (found.state === 'signed') return { result: 'renewed', certificate: found.certificate }
  const until = old.leaf.validToDate.toISOString()
  if (found.state === 'waiting') {
    const remark = found.remark === undefined ? '' : `. The CA says: ${found.remark}`
    const hindrance = `the certificate of ${name} ends on ${until}, and a request for the next one waits at the CA at ${reach.url}: puppetserver ca sign --certname ${name}. ${whereForbidden}${remark}`
    return { result: 'hindered', hindrance, isWaiting: true }
  }
  return {
    result: 'hindered',
    hindrance:
      `the certificate of ${name} ends on ${until}, and ${why}. It takes no request for the name either: ${found.remark}. ` +
      `On the CA: mv "$(puppet config print cadir --section server)/signed/${name}.pem" /root/ (puppetserver ca clean ` +
      'would revoke the certificate in use); a few minutes later, or at once after puppet-lb enroll --renew here, on the ' +
      `CA: puppetserver ca sign --certname ${name}. ${whereForbidden}`
  }
}

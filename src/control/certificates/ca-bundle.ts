import type { X509Certificate } from 'node:crypto'
import { certificatesOf } from '../../pki/authorities.ts'
import { vouchingOf } from '../../pki/vouching.ts'
import { createCaClient } from './ca-client.ts'
import { EnrolmentError } from './enrolment-error.ts'
import type { EnrolmentTask, EnrolmentTools } from './enrolment-task.ts'
import { strangeAnswer } from './strange-answer.ts'

/** Fetches the CA bundle over a connection that proves nothing, and keeps it once its fingerprint is the right one. */
export async function getBundle(
  task: EnrolmentTask,
  { runtime, say }: Pick<EnrolmentTools, 'runtime' | 'say'>
): Promise<string> {
  const { reach, files } = task
  const where = `the CA at ${reach.url}`
  const answer = await createCaClient({
    ...reach,
    ca: reach.verify ? reach.ca : undefined
  }).get('certificate', 'ca')
  const { status, text } = answer
  if (status !== 200) {
    const sentence = `${where} answered ${status} when it was asked for its certificate: it must be a Puppet CA`
    throw new EnrolmentError('impossible', sentence)
  }
  if (!text.includes('-----BEGIN ')) {
    const sentence = `${where} ${strangeAnswer(answer, 'certificate')} when it was asked for its own: it must be a Puppet CA`
    throw new EnrolmentError('impossible', sentence)
  }
  const certificates = authoritiesIn(text, `what ${where} sends as its certificate`)
  const nowMs = runtime.wallClock()
  if (certificates.every(({ validFromDate }) => nowMs < validFromDate.getTime())) {
    const from = certificates[0]?.validFromDate.toISOString()
    const sentence = `the certificate of ${where} is not valid before ${from}, and here it is ${new Date(nowMs).toISOString()}: compare the clocks`
    throw new EnrolmentError('impossible', sentence)
  }
  judge(task, text, certificates, where)
  const kept = await files.keep('ca', text)
  say(`got the certificate of the CA, which has the right fingerprint: ${files.pathOf('ca')}`)
  return kept === text ? text : readBundle(task, kept)
}

/** A bundle that is there already: it was vouched for when it came, or somebody put it there. */
export function readBundle(task: EnrolmentTask, text: string): string {
  const path = task.files.pathOf('ca')
  const certificates = authoritiesIn(text, path)
  if (task.settings.caFingerprint !== undefined) judge(task, text, certificates, path)
  return text
}

function authoritiesIn(text: string, what: string): readonly X509Certificate[] {
  let certificates: readonly X509Certificate[] = []
  try {
    certificates = certificatesOf(text)
  } catch {
    // Told like a text without any.
  }
  if (certificates.length === 0 || certificates.some(({ ca }) => !ca))
    throw new EnrolmentError('impossible', `${what} is no PEM bundle of CA certificates`)
  return certificates
}

/** Throws unless the fingerprint that was given vouches for all of a bundle. */
function judge(
  { settings: { caFingerprint } }: EnrolmentTask,
  text: string,
  certificates: readonly X509Certificate[],
  where: string
): void {
  if (caFingerprint === undefined) {
    throw new EnrolmentError(
      'input',
      `nothing says yet whether ${where} is the right one. It shows:\n${shown(certificates)}\n${howToCompare}`
    )
  }
  const vouching = vouchingOf(text, certificates, caFingerprint)
  if (vouching.result === 'unknown') {
    throw new EnrolmentError(
      'input',
      `no certificate of ${where} has the fingerprint ${caFingerprint}. It shows:\n${shown(certificates)}\n` +
        'Either the fingerprint is of another CA, or somebody else answers in its place'
    )
  }
  if (vouching.result === 'strangers') {
    throw new EnrolmentError(
      'input',
      `the bundle of ${where} holds certificates that the fingerprint ${caFingerprint} does not vouch for:\n` +
        `${shown(vouching.strangers)}\nIf they belong there, give the SHA-256 of the whole file: sha256sum ca.pem`
    )
  }
}

const howToCompare =
  'On the CA: openssl x509 -noout -fingerprint -sha256 -in "$(puppet config print cacert --section server)". If that prints ' +
  'one of these, give it as --ca-fingerprint, or as enroll.caFingerprint in the configuration'

function shown(certificates: readonly X509Certificate[]): string {
  return certificates
    .map(({ subject, fingerprint256 }) => `  ${fingerprint256}  ${JSON.stringify(oneLine(subject))}`)
    .join('\n')
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ').slice(0, 200)
}

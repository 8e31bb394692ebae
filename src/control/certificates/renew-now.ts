import type { X509Certificate } from 'node:crypto'
import { certificatesOf } from '../../pki/authorities.ts'
import { chainOf } from '../../pki/server-certificate.ts'
import { createSigningRequest, publicKeyOf } from '../../pki/signing-request.ts'
import { createCaClient } from './ca-client.ts'
import { EnrolmentError } from './enrolment-error.ts'
import { type EnrolmentTask, type EnrolmentTools, verifiedReach } from './enrolment-task.ts'
import { type OldCertificate, renew } from './renewal.ts'
import { awaitSignature } from './signature.ts'

/**
 * Gets a new certificate, of the same key, in place of the one that is there, and waits for the signature where it takes
 * one. Rejects with an EnrolmentError or a CaAwayError.
 */
export async function renewNow(
  task: EnrolmentTask,
  old: OldCertificate,
  tools: EnrolmentTools
): Promise<X509Certificate> {
  const { files, settings, reach } = task
  const authorities = certificatesOf(old.bundle)
  const outcome = await renew(task, old, tools.runtime.wallClock())
  if (outcome.result === 'hindered' && !outcome.isWaiting)
    throw new EnrolmentError('impossible', outcome.hindrance)
  const certificate =
    outcome.result === 'renewed'
      ? outcome.certificate
      : await awaitSignature(
          {
            client: createCaClient(verifiedReach(task, old.bundle)),
            settings,
            signingRequest: await createSigningRequest(settings, old.keys),
            expected: { name: settings.name, publicKey: publicKeyOf(old.keys), authorities },
            url: reach.url,
            knownSerial: old.leaf.serialNumber
          },
          tools
        )
  await files.replace('cert', chainOf(certificate, authorities))
  tools.say(
    `got a new certificate for ${settings.name}, valid until ${certificate.validToDate.toISOString()}: ${files.pathOf('cert')}`
  )
  return certificate
}

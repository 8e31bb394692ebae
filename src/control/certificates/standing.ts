import type { X509Certificate } from 'node:crypto'
import type { OwnStanding } from '../../model/enrolment.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { Settings } from '../../model/settings.ts'
import { authoritiesOf } from '../../pki/authorities.ts'
import { isRevoked } from '../../pki/revoked.ts'
import { commonNameOf, leafOf } from '../../pki/server-certificate.ts'
import { anew } from './anew.ts'

/** What the CA has under our name, as it said last. `unknown`: it was not asked, or did not say. */
export type AtCa = 'unknown' | 'ours' | 'nothing' | 'another'

/** What is known of the certificates that agents see. */
export interface OwnFacts {
  readonly settings: Pick<Settings, 'tls' | 'enroll' | 'ca'>
  readonly revoked: RevokedSet
  readonly atCa: AtCa
  /** Why a renewal that is due is not done, and what to do; `undefined` when none is due, or it was just begun. */
  readonly hindrance: string | undefined
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** How it stands with our certificates; the worst that is true. Pure. */
export function standingOf({ settings, revoked, atCa, hindrance, nowMs }: OwnFacts): OwnStanding {
  const { tls, enroll, ca } = settings
  const authorities = authoritiesOf(tls.ca)
  const leaves = tls.certificates.flatMap(({ cert }) => leafOf(cert) ?? [])
  const gone = leaves.find(leaf => isRevoked(leaf, authorities, revoked))
  if (gone) {
    return {
      state: 'revoked',
      cause:
        `the certificate of ${nameOf(gone)} (serial ${gone.serialNumber}) is revoked by the list in force: agents that have ` +
        `that list refuse it. ${another(settings, nameOf(gone))}`
    }
  }
  const over = leaves.find(({ validToDate }) => nowMs > validToDate.getTime())
  if (over) {
    return {
      state: 'expired',
      cause: `the certificate of ${nameOf(over)} expired on ${over.validToDate.toISOString()}: agents refuse it. ${hindrance ?? another(settings, nameOf(over))}`
    }
  }
  const where = `the CA at ${ca?.url}`
  if (enroll && atCa === 'another') {
    return {
      state: 'replaced',
      cause:
        `${where} has a certificate for ${enroll.name} of another key: another machine enrolled under this name, or this one ` +
        `was cleaned there. One of the two needs another name. ${another(settings, enroll.name)}`
    }
  }
  if (hindrance !== undefined) return { state: 'renewal-due', cause: hindrance }
  if (enroll && atCa === 'nothing') {
    return {
      state: 'cleaned',
      cause:
        `${where} has no certificate for ${enroll.name} any more: it was cleaned there, which revokes it, and agents ` +
        `refuse it once they have the new list. ${another(settings, enroll.name)}`
    }
  }
  return { state: 'good', cause: undefined }
}

function nameOf(leaf: X509Certificate): string {
  return commonNameOf(leaf) ?? leaf.subject
}

/** How to get a new certificate in place of one that is no good. */
function another({ enroll }: Pick<Settings, 'enroll'>, name: string): string {
  return enroll ? anew({ ...enroll, name }) : 'A new one: see "If the certificate is lost" in DEPLOY.md'
}

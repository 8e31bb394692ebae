import type { RevokedSet } from '../../model/messages.ts'
import { anonymous, type Identity } from '../accept/identity.ts'
import type { Exchange } from './exchange.ts'
import type { PlanSettings } from './plan.ts'

/** Whom a request is served as, and by which rules. */
export interface Believed {
  readonly identity: Identity
  readonly rules: PlanSettings
  /** It showed a certificate of which nobody can say yet whether it is revoked. */
  readonly isUnknown: boolean
}

/**
 * Until the first revocation list is there, no certificate is believed: one that was revoked would be let in. What is
 * open to everybody is so to its owner too, as if none had been shown, so that agents can enrol meanwhile.
 */
export function believe(
  { generation }: Pick<Exchange, 'generation'>,
  identity: Identity,
  revoked: RevokedSet
): Believed {
  const isUnknown = identity.certname !== undefined && areListsAwaited(generation, revoked)
  if (!isUnknown) return { identity, rules: generation, isUnknown }
  return { identity: anonymous, rules: { ...generation, withoutCertificate: 'refuse' }, isUnknown }
}

/** Settings that want lists are published with one, unless the CA has given none yet. */
export function areListsAwaited({ settings }: Exchange['generation'], revoked: RevokedSet): boolean {
  return settings.tls.crl !== undefined && revoked.length === 0
}

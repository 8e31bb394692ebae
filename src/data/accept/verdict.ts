import type { X509Certificate } from 'node:crypto'
import { unknownCritical } from '../../pki/extensions.ts'
import { weakDigestOf, weakKeyOf } from '../../pki/weakness.ts'

/** Why OpenSSL does not accept a certificate, in its code, and the certificates it looked at: the client's own first. */
export interface Verification {
  readonly code: string
  readonly chain: readonly X509Certificate[]
  /** It leads to a root of ours by valid signatures. */
  readonly isOurs: boolean
  /** A CA of ours bears the name of the issuer. */
  readonly isIssuerKnown: boolean
}

export const expired = 'it has expired'
export const notOurs = 'it was not issued by the Puppet CA of this load balancer'

const notForClients = 'is not for clients, by its key usage'
const namesake = 'it was issued by another CA of the same name as that of this load balancer'

/**
 * What a verdict means to somebody who runs Puppet, as the end of a sentence about the client's certificate. OpenSSL
 * does not say which of the chain it means, and Node has no name for many of its reasons (`UNSPECIFIED`), so the
 * certificates are looked at. `nowMs` is milliseconds since 1970.
 */
export function sentenceFor({ code, chain, isOurs, isIssuerKnown }: Verification, nowMs: number): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const isOver = (each: X509Certificate) => each.validToDate.getTime() < nowMs
      const index = chain.findIndex(isOver)
      if (index === 0 || (index > 0 && isOurs)) return about(chain, isOver, 'has expired')
      // What has expired is the certificate of a CA that has another one by now, or of a stranger.
      return isOurs ? beside(chain) : isIssuerKnown ? namesake : notOurs
    }
    case 'CERT_NOT_YET_VALID':
      return about(
        chain,
        each => each.validFromDate.getTime() > nowMs,
        'is not valid yet; compare the clocks'
      )
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      if (isOurs) return beside(chain)
      return isIssuerKnown ? namesake : notOurs
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return notOurs
    case 'CERT_SIGNATURE_FAILURE':
      return `its signature is wrong, or ${namesake}`
    case 'INVALID_PURPOSE':
    case 'INVALID_CA':
      return notByCa(chain) ?? about(chain, isNotForClients, notForClients)
    case 'PATH_LENGTH_EXCEEDED':
      return 'a CA above it may not have so many others below it'
    case 'CERT_CHAIN_TOO_LONG':
      return 'too many CAs stand above it'
    case 'UNSPECIFIED':
      return notByCa(chain) ?? weaknessIn(chain) ?? unknown
    default:
      return `it cannot be verified (${code})`
  }
}

const unknown = 'it cannot be verified; openssl verify with the CA of this load balancer says why'

/** What keeps a certificate out beside what OpenSSL has named last. */
function beside(chain: readonly X509Certificate[]): string {
  if (chain.some(isNotForClients)) return about(chain, isNotForClients, notForClients)
  return notByCa(chain) ?? weaknessIn(chain) ?? unknown
}

/** A sentence about the first of the chain for which `isIt` holds. */
function about(
  chain: readonly X509Certificate[],
  isIt: (certificate: X509Certificate) => boolean,
  what: string
): string {
  const index = chain.findIndex(isIt)
  return `${index > 0 ? nameOf(chain[index] as X509Certificate) : 'it'} ${what}`
}

function notByCa(chain: readonly X509Certificate[]): string | undefined {
  const isByCa = chain.every(({ ca }, index) => index === 0 || ca)
  return isByCa ? undefined : "it was issued with a certificate that is not a CA's"
}

/** `keyUsage` is the extended one, absent where a certificate has none. */
function isNotForClients({ keyUsage }: X509Certificate): boolean {
  return (keyUsage as readonly string[] | undefined)?.includes(clientAuthentication) === false
}

const clientAuthentication = '1.3.6.1.5.5.7.3.2'

function nameOf({ subject }: X509Certificate): string {
  const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject
  return `the CA certificate ${JSON.stringify(name.replace(/[^ -~]+/g, '?').slice(0, 80))} above it`
}

/** What OpenSSL's security level, or its knowledge of extensions, can have against one of these. */
function weaknessIn(chain: readonly X509Certificate[]): string | undefined {
  for (const [index, certificate] of chain.entries()) {
    const subject = index > 0 ? nameOf(certificate) : 'it'
    // Nobody goes by the signature that a root makes of itself.
    const digest = isSelfIssued(certificate) ? undefined : weakDigestOf(certificate)
    if (digest !== undefined)
      return `${subject} is signed with ${digest}, which is too weak; it must be issued anew`
    const bits = weakKeyOf(certificate)
    if (bits !== undefined)
      return `${subject} has a key of ${bits} bits, which is too short; it needs a new one`
    const extension = unknownCritical(certificate.raw)
    if (extension !== undefined)
      return `${subject} has the critical extension ${extension}, which is not known here`
  }
  return undefined
}

function isSelfIssued({ subject, issuer }: X509Certificate): boolean {
  return subject === issuer
}

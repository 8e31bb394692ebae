import type { X509Certificate } from 'node:crypto'
import { isCause, type Wire } from '../../control/asking/wire.ts'
import type { CertificateSettings } from '../../model/settings.ts'
import { type Authority, certificatesOf } from '../../pki/authorities.ts'
import type { IdentityFacts, Verdict } from '../facts.ts'
import type { MemberWires } from './member-wires.ts'

/** No host has these names (RFC 2606). */
export const pretended = 'puppet-lb-doctor.invalid'
const another = 'puppet-lb-doctor-other.invalid'

/** Headers by which a master takes the sender for somebody. Without a certificate: no rule of an agent asks for one. */
export const pretending: Readonly<Record<string, string>> = {
  'x-client-verify': 'SUCCESS',
  'x-client-dn': `CN=${pretended}`
}

/** Whoever could show a certificate to a master. */
export interface Credentials {
  readonly ours: CertificateSettings | undefined
  /** One of the Puppet CA, such as every agent has. */
  readonly puppet: CertificateSettings | undefined
}

/** The certificates that there are for trying. */
export function credentialsOf(
  ours: CertificateSettings | undefined,
  servers: readonly CertificateSettings[],
  authorities: readonly Authority[]
): Credentials {
  const isOfPuppet = ({ cert }: CertificateSettings) => {
    const [leaf] = certificatesOf(cert)
    return leaf !== undefined && isIssuedBy(leaf, authorities)
  }
  return { ours, puppet: [...(ours ? [ours] : []), ...servers].find(isOfPuppet) }
}

/** Whether one of the CAs has signed a certificate. */
export function isIssuedBy(certificate: X509Certificate, authorities: readonly Authority[]): boolean {
  return authorities.some(({ certificate: issuer }) => certificate.verify(issuer.publicKey))
}

/**
 * Asks whose node a master gives to whom. The rule of `auth.conf` for nodes lets each have its own. The request lacks
 * its environment, so that a master that takes it answers 400 at once: no node is looked up, and no classifier asked
 * (Puppet's `network/http/api/indirected_routes.rb`; the rules come before that).
 */
export async function askIdentity(
  wires: MemberWires,
  { ours, puppet }: Credentials,
  isSecure: boolean
): Promise<IdentityFacts> {
  const withOurs = await askNode(wires.own, pretended)
  const forAnother = withOurs === 'allowed' ? await askNode(wires.own, another) : 'refused'
  const [leaf] = isSecure && ours ? certificatesOf(ours.cert) : []
  const ownName = leaf && commonNameOf(leaf)
  const asOurselves =
    withOurs === 'refused' && ownName !== undefined ? await askNode(wires.own, ownName) : undefined
  return { withOurs, forAnother, asOurselves, ...(await askAsOthers(wires, { ours, puppet }, isSecure)) }
}

/** What a master does with headers of others than the balancer. */
export async function askAsOthers(
  wires: MemberWires,
  { ours, puppet }: Credentials,
  isSecure: boolean
): Promise<Pick<IdentityFacts, 'withNone' | 'withPuppet'>> {
  if (!isSecure) return { withNone: undefined, withPuppet: undefined }
  const withNone = await askNode(ours ? wires.as(undefined) : wires.own, pretended)
  if (puppet === undefined || withNone === 'allowed') return { withNone, withPuppet: undefined }
  return { withNone, withPuppet: await askNode(puppet === ours ? wires.own : wires.as(puppet), pretended) }
}

async function askNode(wire: Wire, certname: string): Promise<Verdict> {
  const path = `/puppet/v3/node/${encodeURIComponent(certname)}`
  const answer = await wire.ask({ path, headers: pretending })
  if (isCause(answer)) {
    const isShut = answer.kind.startsWith('tls-') || answer.kind === 'reset' || answer.kind === 'closed'
    return isShut ? 'refused' : 'unclear'
  }
  return verdictOf(answer.status)
}

/** Of the answer to a request that its rules took, or not. Pure. */
export function verdictOf(status: number): Verdict {
  if (status === 403 || status === 401) return 'refused'
  return status === 400 || (status >= 200 && status <= 299) ? 'allowed' : 'unclear'
}

function commonNameOf({ subject }: X509Certificate): string | undefined {
  return /^CN=(.+)$/m.exec(subject)?.[1]
}

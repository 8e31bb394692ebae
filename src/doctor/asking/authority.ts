import type { CertificateSettings } from '../../model/settings.ts'
import { fullListEndsIn } from '../../pki/full-list.ts'
import type { Documents, Permission } from '../facts.ts'
import { pretended } from './identity.ts'
import type { MemberWires } from './member-wires.ts'
import { askPermission } from './permission.ts'

const api = '/puppet-ca/v1'

/** What only the CA has. */
export interface AuthorityFacts {
  readonly permissions: readonly Permission[]
  readonly documents: Documents
}

/**
 * Asks the CA for what agents ask it before they have a certificate. Renewing is only asked about on a connection
 * without a client certificate, by headers without one: so nothing can be renewed. A CA that would renew says 400, one
 * that never does 404 (Puppet Server's `certificate_authority_core.clj`).
 */
export async function askAuthority(
  wires: MemberWires,
  puppet: CertificateSettings | undefined,
  asksForRenewal: boolean
): Promise<AuthorityFacts> {
  const { own } = wires
  const bundle = await askPermission(own, { path: `${api}/certificate/ca` })
  // Before the list itself: what is revoked between the two makes that one the newer.
  const fullListEnds = await askEnds(wires, puppet)
  const list = await askPermission(own, { path: `${api}/certificate_revocation_list/ca` })
  const request = await askPermission(own, { path: `${api}/certificate_request/${pretended}` })
  const renewal = asksForRenewal
    ? await askPermission(wires.as(undefined), { method: 'POST', path: `${api}/certificate_renewal` })
    : undefined
  const bodyOf = (answer: typeof bundle) => (answer?.status === 200 ? answer.body : undefined)
  return {
    permissions: [bundle, list, request, renewal].flatMap(each => each ?? []),
    documents: { bundle: bodyOf(bundle), list: bodyOf(list), fullListEnds }
  }
}

/** Anybody whom the CA knows may ask for it; with the certificate that agents see, if not with the one for this hop. */
async function askEnds(
  { own, as }: MemberWires,
  puppet: CertificateSettings | undefined
): Promise<Documents['fullListEnds']> {
  const question = { path: `${api}/expirations` }
  const first = await askPermission(own, question)
  if (first?.status === 200) return fullListEndsIn(first.body)
  if (first?.status !== 403 || !puppet) return undefined
  const second = await askPermission(as(puppet), question)
  return second?.status === 200 ? fullListEndsIn(second.body) : undefined
}

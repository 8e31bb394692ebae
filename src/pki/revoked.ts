import type { X509Certificate } from 'node:crypto'
import { type Authority, authorityKeyId } from './authorities.ts'
import { hasSerial, type SortedSerials, serialOf } from './serials.ts'
import { isIssuedBy } from './vouching.ts'

/** Whether the list of its CA names a certificate. One whose CA has no list is not revoked. */
export function isRevoked(
  certificate: X509Certificate,
  authorities: readonly Authority[],
  lists: readonly (SortedSerials & { readonly authority: string })[]
): boolean {
  const issuer = authorities.find(each => isIssuedBy(certificate, each.certificate))
  if (!issuer) return false
  const keyId = authorityKeyId(issuer.certificate)
  const list = lists.find(({ authority }) => authority === keyId)
  return list !== undefined && hasSerial(list, serialOf(certificate.raw))
}

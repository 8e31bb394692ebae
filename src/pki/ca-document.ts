import { type Authority, certificatesOf, toAuthority } from './authorities.ts'
import { type AuthorityList, readRevocations } from './crl.ts'
import { successionProblems } from './succession.ts'

/** What a CA gave, and what it is judged by. */
export interface DocumentTask {
  readonly kind: 'certificate' | 'crl'
  readonly body: Uint8Array
  /** PEM: the CAs that we trust. */
  readonly trusted: string
  /** PEM: what the CA gives as its own certificates, if anything is kept of that. */
  readonly given: string
  /** The lists that are kept by now. */
  readonly lists: readonly AuthorityList[]
  readonly nowMs: number
}

/** `lists`: what a document of lists holds; none for certificates. */
export type DocumentVerdict =
  | { readonly isFit: true; readonly lists: readonly AuthorityList[] }
  | { readonly isFit: false; readonly cause: string }

/**
 * Whether a document may be kept as the last good copy: certificates of CAs, one of ours among them, or complete lists
 * that they signed, none of them older than what is kept. `cause` completes "it …".
 */
export function judgeDocument({ kind, body, trusted, given, lists, nowMs }: DocumentTask): DocumentVerdict {
  try {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    const ours = authoritiesIn(trusted)
    if (kind === 'certificate') return judgeCertificates(bytes.toString('latin1'), ours)
    const authorities = [...ours, ...authoritiesIn(given)]
    return judgeLists(readRevocations(bytes, authorities, nowMs), lists, authorities)
  } catch (error) {
    return { isFit: false, cause: (error as Error).message }
  }
}

function judgeCertificates(text: string, ours: readonly Authority[]): DocumentVerdict {
  const authorities = authoritiesIn(text)
  if (authorities.length === 0) return unfit('holds no certificate')
  if (!authorities.every(({ certificate }) => certificate.ca))
    return unfit("holds a certificate that is not a CA's")
  const known = new Set(ours.map(({ keyId }) => keyId))
  if (!authorities.some(({ keyId }) => known.has(keyId)))
    return unfit('holds none of the certificates of tls.ca')
  return { isFit: true, lists: [] }
}

/**
 * The list of infrastructure nodes, once the CA serves it in place of the full one, counts by itself from 0, and is no
 * older for that.
 */
function judgeLists(
  next: readonly AuthorityList[],
  current: readonly AuthorityList[],
  authorities: readonly Authority[]
): DocumentVerdict {
  const counting = new Set(authorities.map(({ keyId }) => keyId))
  const [problem] = successionProblems(current, next, counting).filter(
    ({ reason }) => reason !== 'infrastructure'
  )
  return problem ? unfit(problem.text) : { isFit: true, lists: next }
}

function authoritiesIn(pem: string): readonly Authority[] {
  return certificatesOf(pem).map(toAuthority)
}

function unfit(cause: string): DocumentVerdict {
  return { isFit: false, cause }
}

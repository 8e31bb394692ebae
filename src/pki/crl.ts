import type { Authority } from './authorities.ts'
import { CrlError, type ListProblem } from './crl-error.ts'
import { derElement, derTag } from './der.ts'
import { readPemOf } from './pem.ts'
import { type RevocationList, readList } from './revocation-list.ts'
import { type SortedSerials, sortSerials } from './serials.ts'

/** What one CA has revoked, by the lists of it that a file holds. Can be sent to another thread. */
export interface AuthorityList extends SortedSerials {
  /** The CA's `keyId`. */
  readonly authority: string
  /** The CA as text: `CN=Puppet CA: puppet`. */
  readonly issuer: string
  readonly entries: number
  /** Milliseconds since 1970. */
  readonly thisUpdateMs: number
  readonly nextUpdateMs: number | undefined
  /** It may be longer than 64 bits. */
  readonly number: bigint | undefined
  /** SHA-256 of what is signed. */
  readonly digest: string
}

/** How far the clocks of the CA and of this machine may be apart; agents allow as much. */
const CLOCK_TOLERANCE_MS = 5 * 60_000

/**
 * Reads a file of revocation lists, PEM or DER, one or several. Throws a CrlError with every problem: no list at all,
 * half a list, one that none of the authorities signed, one that is not complete, one from the future. A list past its
 * nextUpdate is read: an old list is better than none. Of several lists by one CA all entries count, and the newest
 * says the rest.
 */
export function readRevocations(
  file: Buffer,
  authorities: readonly Authority[],
  nowMs: number
): readonly AuthorityList[] {
  const { blocks, problems } = listsIn(file)
  const believed = blocks.flatMap(der => {
    try {
      const list = readList(der)
      const signer = signerOf(list, authorities)
      const problem = problemOf(list, signer, nowMs)
      if (signer && !problem) return [{ list, signer }]
      if (problem) problems.push(problem)
    } catch (error) {
      if (!(error instanceof CrlError)) throw error
      problems.push(...error.problems)
    }
    return []
  })
  if (problems.length > 0) throw new CrlError(problems)
  const groups = Map.groupBy(believed, ({ signer }) => signer.keyId)
  return [...groups].map(([keyId, group]) =>
    ofOneAuthority(
      keyId,
      group.map(({ list }) => list)
    )
  )
}

/** Whose it is. A signature is checked over all of a list, so those it may be by are asked first: those of its name. */
function signerOf(list: RevocationList, authorities: readonly Authority[]): Authority | undefined {
  const isNamed = ({ certificate }: Authority) => certificate.subject.replaceAll('\n', ', ') === list.issuer
  return [...authorities.filter(isNamed), ...authorities].find(({ certificate }) =>
    list.isSignedBy(certificate.publicKey)
  )
}

/** The DER of each list in a file. PEM, if there is any, may have anything around it; DER is there from end to end. */
function listsIn(file: Buffer): { readonly blocks: readonly Buffer[]; readonly problems: ListProblem[] } {
  if (file[0] === derTag.sequence && !file.includes('-----BEGIN '))
    return { blocks: splitDer(file), problems: [] }
  const { blocks, damage } = readPemOf(file.toString('latin1'), 'X509 CRL')
  const texts = damage.map(what => `holds ${what}`)
  if (blocks.length === 0 && damage.length === 0) texts.push('holds no revocation list')
  return {
    blocks: blocks.map(({ der }) => der),
    problems: texts.map(text => ({ reason: 'damaged', text }))
  }
}

/** What does not end where a list ends is left as it is, and is damaged. */
function splitDer(file: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  for (let rest = file; rest.length > 0; ) {
    const end = endOfFirst(rest)
    blocks.push(rest.subarray(0, end))
    rest = rest.subarray(end)
  }
  return blocks
}

function endOfFirst(bytes: Buffer): number {
  try {
    return derElement(bytes, 0).end
  } catch {
    return bytes.length
  }
}

function problemOf(
  { issuer, problem, thisUpdateMs }: RevocationList,
  signer: Authority | undefined,
  nowMs: number
): ListProblem | undefined {
  const name = JSON.stringify(issuer)
  if (!signer) return { reason: 'foreign', text: `holds the list of ${name}, which no CA of tls.ca signed` }
  if (problem) return { reason: problem.reason, text: `holds ${problem.text} (${name})` }
  if (thisUpdateMs <= nowMs + CLOCK_TOLERANCE_MS) return undefined
  const at = new Date(thisUpdateMs).toISOString()
  return { reason: 'future', text: `holds a list of ${name} that is from the future, of ${at}` }
}

function ofOneAuthority(authority: string, lists: readonly RevocationList[]): AuthorityList {
  const newest = lists.reduce((best, list) => (isNewer(list, best) ? list : best))
  const { issuer, thisUpdateMs, nextUpdateMs, number, digest } = newest
  const serials = sortSerials(lists.map(list => list.serials))
  const entries = serials.rows.length / serials.width
  return { authority, issuer, entries, thisUpdateMs, nextUpdateMs, number, digest, ...serials }
}

function isNewer(list: RevocationList, than: RevocationList): boolean {
  if (list.number === than.number) return list.thisUpdateMs > than.thisUpdateMs
  return (list.number ?? -1n) > (than.number ?? -1n)
}

/** What all lists together come to. */
export interface RevocationOverview {
  readonly entries: number
  /** Milliseconds since 1970: when the oldest of them was issued, and the first moment one is out of date. */
  readonly thisUpdateMs: number
  readonly nextUpdateMs: number | undefined
  /** The highest CRL number among them, decimal. */
  readonly number: string | undefined
}

/** Of at least one list. */
export function overviewOf(lists: readonly AuthorityList[]): RevocationOverview {
  const present = <Value>(values: readonly (Value | undefined)[]) =>
    values.filter(value => value !== undefined)
  const nextUpdates = present(lists.map(({ nextUpdateMs }) => nextUpdateMs))
  const numbers = present(lists.map(({ number }) => number))
  return {
    entries: lists.reduce((sum, { entries }) => sum + entries, 0),
    thisUpdateMs: Math.min(...lists.map(({ thisUpdateMs }) => thisUpdateMs)),
    nextUpdateMs: nextUpdates.length > 0 ? Math.min(...nextUpdates) : undefined,
    number: numbers.length > 0 ? String(numbers.toSorted((a, b) => Number(a - b)).at(-1)) : undefined
  }
}

import type { Authority } from './authorities.ts'
import type { AuthorityList } from './crl.ts'
import type { ListProblem } from './crl-error.ts'

/** What tells of a list whether another one may follow it. */
export type ListMark = Pick<
  AuthorityList,
  'authority' | 'issuer' | 'entries' | 'thisUpdateMs' | 'number' | 'digest'
>

/**
 * Why these lists may not follow those in force: no CA ever takes a revocation back, and a list that leaves one out
 * would let in whom it named. The CA's own number decides, and where neither has one, the date. `authorities` are the
 * CAs that still count.
 */
export function successionProblems(
  current: readonly ListMark[],
  next: readonly ListMark[],
  authorities: ReadonlySet<string>
): readonly ListProblem[] {
  return problemsOf(current, next, { authorities, judge: followProblem })
}

/**
 * The same for lists that a CA has just given itself. It never gives one that is older than what it has given before, so
 * a lower number and fewer entries mean another list: Puppet Server's one of infrastructure nodes, which it serves in
 * place of the full one with `enable-infra-crl: true` (`resolve-crl-information` in `certificate_authority_core.clj`);
 * or the CA was restored from a backup.
 */
export function servedProblems(
  current: readonly ListMark[],
  next: readonly ListMark[],
  authorities: ReadonlySet<string>
): readonly ListProblem[] {
  const judge = (before: ListMark, after: ListMark) => {
    const problem = followProblem(before, after)
    return problem && after.entries < before.entries ? infrastructure(before, after) : problem
  }
  return problemsOf(current, next, { authorities, judge })
}

function problemsOf(
  current: readonly ListMark[],
  next: readonly ListMark[],
  {
    authorities,
    judge
  }: {
    readonly authorities: ReadonlySet<string>
    readonly judge: (before: ListMark, after: ListMark) => ListProblem | undefined
  }
): readonly ListProblem[] {
  return current.flatMap(before => {
    if (!authorities.has(before.authority)) return []
    const after = next.find(({ authority }) => authority === before.authority)
    const problem = after ? judge(before, after) : lacks(before)
    return problem ? [problem] : []
  })
}

/** A list of this age that never changed is one to wonder about. */
const UNCHANGED_MS = 30 * 86_400_000

/**
 * Lists that a CA for agents serves and that never changed: nothing was ever revoked, or they are those of
 * infrastructure nodes. Both begin with number 0 when the CA is made, and nothing else tells them apart.
 */
export function neverChanged(
  lists: readonly AuthorityList[],
  authorities: readonly Authority[],
  nowMs: number
): readonly AuthorityList[] {
  const isAbove = ({ certificate, keyId }: Authority) =>
    authorities.some(other => other.keyId !== keyId && other.certificate.checkIssued(certificate))
  const above = new Set(authorities.filter(isAbove).map(({ keyId }) => keyId))
  return lists.filter(
    ({ authority, entries, number, thisUpdateMs }) =>
      !above.has(authority) && entries === 0 && number === 0n && thisUpdateMs < nowMs - UNCHANGED_MS
  )
}

/**
 * What is in force when lists that were read a while ago come into force: of each CA the later one, should another
 * have overtaken it meanwhile, and the first list of a CA that had none when they were read. `authorities`: the CAs
 * that count, by their `keyId`.
 */
export function laterOf(
  current: readonly AuthorityList[],
  next: readonly AuthorityList[],
  authorities: ReadonlySet<string>
): readonly AuthorityList[] {
  const later = next.map(after => {
    const before = current.find(({ authority }) => authority === after.authority)
    return before && followProblem(before, after) ? before : after
  })
  const isNew = ({ authority }: AuthorityList) =>
    authorities.has(authority) && !next.some(each => each.authority === authority)
  return [...later, ...current.filter(isNew)]
}

/** A CA whose list names more or fewer certificates than before; that fewer are named may be right and is worth a look. */
export interface SizeChange {
  readonly issuer: string
  readonly before: number
  readonly after: number
}

export function sizeChanges(
  current: readonly AuthorityList[],
  next: readonly AuthorityList[]
): readonly SizeChange[] {
  return next.flatMap(({ authority, issuer, entries }) => {
    const before = current.find(each => each.authority === authority)
    return before && entries !== before.entries ? [{ issuer, before: before.entries, after: entries }] : []
  })
}

function lacks({ issuer }: ListMark): ListProblem {
  return { reason: 'missing', text: `lacks the list of ${JSON.stringify(issuer)}` }
}

function followProblem(before: ListMark, after: ListMark): ListProblem | undefined {
  if (before.digest === after.digest) return undefined
  const list = `list of ${JSON.stringify(after.issuer)}`
  if (before.number === undefined) {
    if (after.thisUpdateMs >= before.thisUpdateMs) return undefined
    return {
      reason: 'older',
      text: `holds an older ${list}: of ${iso(after)}, and the one in force is of ${iso(before)}`
    }
  }
  if (after.number === undefined) {
    return {
      reason: 'older',
      text: `holds a ${list} without number, and the one in force has ${before.number}`
    }
  }
  if (after.number > before.number) return undefined
  const numbers = `number ${after.number}, and the one in force has ${before.number}`
  if (after.number === before.number) {
    return { reason: 'same-number', text: `holds another ${list} under the same number, ${before.number}` }
  }
  // Puppet Server counts its list of infrastructure nodes by itself, from 0, under the name of the same CA.
  if (after.thisUpdateMs >= before.thisUpdateMs && after.entries < before.entries) {
    const text = `holds what may be the infrastructure ${list} (infra_crl.pem): ${numbers}, but it is no older`
    return { reason: 'infrastructure', text }
  }
  return { reason: 'older', text: `holds an older ${list}: ${numbers}` }
}

function infrastructure(before: ListMark, after: ListMark): ListProblem {
  const sizeOf = (list: ListMark) => `${list.entries} entries, ${nameOf(list)}`
  return {
    reason: 'infrastructure',
    text:
      `holds what may be the infrastructure list of ${JSON.stringify(after.issuer)} (infra_crl.pem), which leaves out ` +
      `revoked agents: ${sizeOf(after)}, and the one in force has ${sizeOf(before)}`
  }
}

function nameOf(list: ListMark): string {
  return list.number === undefined ? `of ${iso(list)}` : `number ${list.number}`
}

function iso({ thisUpdateMs }: ListMark): string {
  return new Date(thisUpdateMs).toISOString()
}

import type { AuthorityList } from './crl.ts'
import type { ListProblem } from './crl-error.ts'

/**
 * Why these lists may not follow those in force: no CA ever takes a revocation back, and a list that leaves one out
 * would let in whom it named. The CA's own number decides, and where neither has one, the date. `authorities` are the
 * CAs that still count.
 */
export function successionProblems(
  current: readonly AuthorityList[],
  next: readonly AuthorityList[],
  authorities: ReadonlySet<string>
): readonly ListProblem[] {
  return current.flatMap(before => {
    if (!authorities.has(before.authority)) return []
    const after = next.find(({ authority }) => authority === before.authority)
    const problem = after ? followProblem(before, after) : lacks(before)
    return problem ? [problem] : []
  })
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

/** A CA whose list names fewer than before, which may be right and is worth a look. */
export interface Shrinkage {
  readonly issuer: string
  readonly before: number
  readonly after: number
}

export function shrinkages(
  current: readonly AuthorityList[],
  next: readonly AuthorityList[]
): readonly Shrinkage[] {
  return next.flatMap(({ authority, issuer, entries }) => {
    const before = current.find(each => each.authority === authority)
    return before && entries < before.entries ? [{ issuer, before: before.entries, after: entries }] : []
  })
}

function lacks({ issuer }: AuthorityList): ListProblem {
  return { reason: 'missing', text: `lacks the list of ${JSON.stringify(issuer)}` }
}

function followProblem(before: AuthorityList, after: AuthorityList): ListProblem | undefined {
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

function iso({ thisUpdateMs }: AuthorityList): string {
  return new Date(thisUpdateMs).toISOString()
}

import { isIP } from 'node:net'
import type { KnownOf, SrvMembers } from './join.ts'
import type { Refusal, Refusals } from './refused-targets.ts'
import { type SrvTarget, srvNames, targetsOf } from './srv.ts'

/** What the records of a domain say by now, and what is in force of it. */
export interface SrvLists extends SrvMembers {
  /** Every target whose addresses are wanted: those in force, and those that may come into force. */
  readonly wanted: readonly SrvTarget[]
}

export const noLists: SrvLists = { masters: [], ca: [], remarks: [], wanted: [] }

/**
 * The lists in force after an answer, without the targets that are refused. A list none of whose targets has an address is as good as empty: it does not
 * replace one that has.
 */
export function nextLists(
  before: SrvLists,
  domain: string,
  knownOf: KnownOf,
  refusals: Refusals = { masters: () => undefined, ca: () => undefined }
): SrvLists {
  const names = srvNames(domain)
  const masters = nextList(before.masters, names.masters, knownOf, refusals.masters)
  const ca = nextList(before.ca, names.ca, knownOf, refusals.ca)
  return {
    masters: masters.inForce,
    ca: ca.inForce,
    remarks: [...masters.remarks, ...ca.remarks],
    wanted: [
      ...[...masters.inForce, ...masters.told, ...masters.refused],
      ...[...ca.inForce.slice(0, 1), ...ca.told.slice(0, 1), ...ca.refused]
    ]
  }
}

interface List {
  readonly inForce: readonly SrvTarget[]
  readonly told: readonly SrvTarget[]
  /** Looked up as well: with other addresses they may be taken. */
  readonly refused: readonly SrvTarget[]
  readonly remarks: readonly string[]
}

function nextList(last: readonly SrvTarget[], name: string, knownOf: KnownOf, refusalOf: Refusal): List {
  const { answer } = knownOf({ kind: 'srv', name })
  const isGood = (target: SrvTarget) => refusalOf(target) === undefined
  const before = last.filter(isGood)
  if (answer === undefined || !('records' in answer)) {
    const refused = last.filter(target => !isGood(target))
    return {
      inForce: before,
      told: [],
      refused,
      remarks: refused.map(target => leftOut(name, target, refusalOf))
    }
  }
  const { targets: all, unusable } = targetsOf(answer.records)
  const targets = all.filter(isGood)
  const refused = all.filter(target => !isGood(target))
  const left = [
    ...unusable.map(each => `a record of ${name} names ${each}, which no master can have; it is left out`),
    ...refused.map(target => leftOut(name, target, refusalOf))
  ]
  const hasAddress = ({ host }: SrvTarget) =>
    isIP(host) !== 0 || knownOf({ kind: 'target', name: host }).answer !== undefined
  const isUseless = targets.length > 0 ? !targets.some(hasAddress) : left.length > 0
  if (!isUseless || before.length === 0) return { inForce: targets, told: targets, refused, remarks: left }
  const remark = `no target that ${name} names can be used; those before stay in force`
  return { inForce: before, told: targets, refused, remarks: [...left, remark] }
}

function leftOut(name: string, target: SrvTarget, refusalOf: Refusal): string {
  const { host, port } = target
  return `a record of ${name} names ${host}:${port}, which is ${refusalOf(target)}; it is left out`
}

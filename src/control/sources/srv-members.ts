import { isIP } from 'node:net'
import type { KnownOf, SrvMembers } from './join.ts'
import { type SrvTarget, srvNames, targetsOf } from './srv.ts'

/** What the records of a domain say by now, and what is in force of it. */
export interface SrvLists extends SrvMembers {
  /** Every target whose addresses are wanted: those in force, and those that may come into force. */
  readonly wanted: readonly SrvTarget[]
}

export const noLists: SrvLists = { masters: [], ca: [], remarks: [], wanted: [] }

/**
 * The lists in force after an answer. A list none of whose targets has an address is as good as empty: it does not
 * replace one that has.
 */
export function nextLists(before: SrvLists, domain: string, knownOf: KnownOf): SrvLists {
  const names = srvNames(domain)
  const masters = nextList(before.masters, names.masters, knownOf)
  const ca = nextList(before.ca, names.ca, knownOf)
  return {
    masters: masters.inForce,
    ca: ca.inForce,
    remarks: [...masters.remarks, ...ca.remarks],
    wanted: [...masters.inForce, ...masters.told, ...ca.inForce.slice(0, 1), ...ca.told.slice(0, 1)]
  }
}

interface List {
  readonly inForce: readonly SrvTarget[]
  readonly told: readonly SrvTarget[]
  readonly remarks: readonly string[]
}

function nextList(before: readonly SrvTarget[], name: string, knownOf: KnownOf): List {
  const { answer } = knownOf({ kind: 'srv', name })
  if (answer === undefined || !('records' in answer)) return { inForce: before, told: [], remarks: [] }
  const { targets, unusable } = targetsOf(answer.records)
  const left = unusable.map(
    each => `a record of ${name} names ${each}, which no master can have; it is left out`
  )
  const hasAddress = ({ host }: SrvTarget) =>
    isIP(host) !== 0 || knownOf({ kind: 'target', name: host }).answer !== undefined
  const isUseless = targets.length > 0 ? !targets.some(hasAddress) : unusable.length > 0
  if (!isUseless || before.length === 0) return { inForce: targets, told: targets, remarks: left }
  const remark = `no target that ${name} names has an address; those before stay in force`
  return { inForce: before, told: targets, remarks: [...left, remark] }
}

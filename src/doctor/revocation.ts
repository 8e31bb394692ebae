import { missingLists } from '../config/revocation-lists.ts'
import type { CrlSettings } from '../model/settings.ts'
import type { Authority } from '../pki/authorities.ts'
import { type AuthorityList, readRevocations } from '../pki/crl.ts'
import { CrlError } from '../pki/crl-error.ts'
import { laterOf, servedProblems } from '../pki/succession.ts'
import { checkFullList, type FullListFacts, shortnessOf } from './checks/full-list.ts'
import {
  checkLists,
  checkOwnFile,
  compareLists,
  foreignLists,
  lackingLists,
  unseenList
} from './checks/revocation.ts'
import { checkRunningLists, compareRunning } from './checks/running-lists.ts'
import type { Documents, OwnList, OwnLists, RunningFacts } from './facts.ts'
import type { Finding } from './finding.ts'

/** What is known of the lists here, and of those of the CA. */
export interface RevocationFacts {
  readonly crl: CrlSettings
  /** Somebody copies lists to `crl.file`; otherwise that has the first one at most. */
  readonly isShipped: boolean
  readonly authorities: readonly Authority[]
  readonly own: OwnLists
  readonly documents: Documents | undefined
  readonly ownList: OwnList | undefined
  /** `undefined`: no balancer runs. */
  readonly running: Pick<RunningFacts, 'crl'> | undefined
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** The lists that count here, and what is wrong with them. */
export interface RevocationDiagnosis {
  readonly lists: readonly AuthorityList[]
  readonly findings: readonly Finding[]
}

/** Puts together what is known of revocation lists. Pure. */
export function diagnoseLists(facts: RevocationFacts): RevocationDiagnosis {
  const { crl, isShipped, authorities, own, running, nowMs } = facts
  const served = servedLists(facts)
  const keyIds = new Set(authorities.map(({ keyId }) => keyId))
  const here = own.files.reduce<readonly AuthorityList[]>(
    (lists, each) => laterOf(lists, each.lists, keyIds),
    []
  )
  const isShort = servedProblems(here, served.lists, keyIds).some(({ reason }) => reason === 'infrastructure')
  // One that does not run asks the CA before it serves; one that keeps nothing goes by what the CA gave.
  const isElsewhere = crl.fetch === true && own.isKept !== true
  const takesServed = crl.fetch === true && !isShort && (!running || isElsewhere)
  const lists = takesServed ? laterOf(here, served.lists, keyIds) : here
  const isLateSeen = lists.some(({ nextUpdateMs }) => nextUpdateMs !== undefined && nextUpdateMs <= nowMs)
  const findings = [
    ...own.files.flatMap(checkOwnFile),
    ...(running ? checkRunningLists(running.crl, crl, { ...own, isLateSeen }, nowMs) : []),
    ...served.findings
  ]
  if (lists.length === 0) return { lists, findings }
  const source = own.files.length > 0 ? own.files.map(({ file }) => file).join(' and ') : 'ca.url'
  const subject = isShipped ? 'tls.crl.file' : 'tls.crl.fetch'
  return {
    lists,
    findings: [
      ...findings,
      ...lackingLists(missingLists(source, lists, authorities), subject),
      ...checkLists(crl, lists, subject, nowMs),
      ...(running && isElsewhere ? compareRunning(running.crl, served.lists, nowMs) : []),
      ...compareWithServed({ ours: lists, served: served.lists, isShort, facts }),
      ...compareWithFile(lists, facts)
    ]
  }
}

/** Of the lists that the CA serves. */
function servedLists({ documents, authorities, nowMs }: RevocationFacts): RevocationDiagnosis {
  if (documents?.list === undefined) return { lists: [], findings: [] }
  const lists = readOrNone(Buffer.from(documents.list), authorities, nowMs)
  return lists ? { lists, findings: [] } : { lists: [], findings: [foreignLists('ca')] }
}

/** Of what the CA serves against what counts here, and against its full list. */
function compareWithServed({
  ours,
  served,
  isShort,
  facts: { crl, isShipped, documents, nowMs }
}: {
  readonly ours: readonly AuthorityList[]
  readonly served: readonly AuthorityList[]
  readonly isShort: boolean
  readonly facts: RevocationFacts
}): readonly Finding[] {
  if (served.length === 0) return []
  const ends = documents?.fullListEnds
  const full: FullListFacts = { ours, served, ends, isShipped }
  if (shortnessOf(full, nowMs) !== undefined) return checkFullList(full, nowMs)
  if (isShort) return [unseenList('served')]
  const isUnseen = ends === undefined && crl.fetch === true && !isShipped
  return [
    ...compareLists(ours, { from: 'ca', lists: served }, nowMs),
    ...(isUnseen ? [unseenList('unsaid')] : [])
  ]
}

/** Of the list on the disk of the CA. */
function compareWithFile(
  ours: readonly AuthorityList[],
  { ownList, authorities, nowMs }: RevocationFacts
): readonly Finding[] {
  if (!ownList) return []
  const { file, bytes, isNamed } = ownList
  const lists = readOrNone(bytes, authorities, nowMs)
  if (!lists) return isNamed ? [foreignLists(file)] : []
  return compareLists(ours, { from: file, lists }, nowMs)
}

function readOrNone(
  bytes: Buffer,
  authorities: readonly Authority[],
  nowMs: number
): readonly AuthorityList[] | undefined {
  try {
    return readRevocations(bytes, authorities, nowMs)
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    return undefined
  }
}

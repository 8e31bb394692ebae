import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { isOwnFault } from '../model/own-fault.ts'
import type { Config, WhenExpired } from '../model/settings.ts'
import { type Authority, authoritiesOf } from '../pki/authorities.ts'
import { type AuthorityList, overviewOf, readRevocations } from '../pki/crl.ts'
import { CrlError, type RefusalReason } from '../pki/crl-error.ts'
import { readFailure, readPlainFile } from './plain-file.ts'
import type { Summary } from './summary.ts'

/** A list of a million entries with reasons is a third of this. */
const MAX_BYTES = 256 * 1024 * 1024

/** How Puppet Server names the list that agents get from it: it leaves out all certificates of agents. */
const INFRASTRUCTURE_FILE = 'infra_crl.pem'

/** A file of revocation lists as it was read. */
export interface ListFile {
  /** SHA-256 of the file. */
  readonly digest: string
  readonly lists: readonly AuthorityList[]
}

/** The bytes of a file of revocation lists with their SHA-256. Throws a CrlError when there are none to be had. */
export function readListFile(file: string): { readonly bytes: Buffer; readonly digest: string } {
  let bytes: Buffer
  try {
    if (basename(realpathSync(file)) === INFRASTRUCTURE_FILE) throw infrastructure
    bytes = readPlainFile(file, MAX_BYTES)
  } catch (error) {
    throw error instanceof CrlError
      ? error
      : unreadable(readFailure(error).replace(/,$/, ''), isOwnFault(error))
  }
  return { bytes, digest: digestOf(bytes) }
}

/** By which lists are known again. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** Reads a file of revocation lists in this thread, which takes a second for the longest. Throws a CrlError. */
export function readLists(file: string, authorities: readonly Authority[], nowMs: number): ListFile {
  const { bytes, digest } = readListFile(file)
  return { digest, lists: readRevocations(bytes, authorities, nowMs) }
}

/** What is wrong with a file and what is allowed, one sentence for each problem, without the key that names it. */
export function sentencesOf({ problems }: CrlError, file: string): readonly string[] {
  return problems.map(({ reason, text }) => `names ${file}, which ${text}; ${remedies[reason] ?? usual}`)
}

/** CAs that have no list in the file: what they revoked counts as valid. One sentence each, without the key. */
export function missingLists(
  file: string,
  lists: readonly AuthorityList[],
  authorities: readonly Authority[]
): readonly string[] {
  const listed = new Set(lists.map(({ authority }) => authority))
  return [...new Map(authorities.map(each => [each.keyId, each.certificate])).entries()]
    .filter(([keyId]) => !listed.has(keyId))
    .map(([, { subject }]) => {
      const name = JSON.stringify(subject.replaceAll('\n', ', '))
      return `names ${file}, which lacks the list of ${name}: nothing that CA revokes is refused; must hold one`
    })
}

/** Lists that are past their next update, and what that means for the agents of their CA. One sentence each, without the key. */
export function lateLists(
  file: string,
  lists: readonly AuthorityList[],
  { expired, nowMs }: { readonly expired: WhenExpired; readonly nowMs: number }
): readonly string[] {
  const effect =
    expired === 'keep'
      ? 'it still counts, and whoever was revoked since is served'
      : 'every agent of that CA is refused'
  return lists.flatMap(({ issuer, nextUpdateMs }) => {
    if (nextUpdateMs === undefined || nextUpdateMs >= nowMs) return []
    const since = new Date(nextUpdateMs).toISOString()
    const name = JSON.stringify(issuer)
    return [
      `names ${file}, in which the list of ${name} is out of date since ${since}: ${effect}; must be the CA's newest list`
    ]
  })
}

/** What lists come to, in a few words. */
export function describeLists({
  entries,
  number
}: {
  readonly entries: number
  readonly number: string | null | undefined
}): string {
  return `${entries} revoked${number == null ? '' : `, number ${number}`}`
}

/**
 * The same of the file that a configuration names, by the key that stands for it; it changes while that does not. What
 * the CA has is known to nobody but the balancer that asks it.
 */
export function summaryOfLists({ settings: { tls } }: Pick<Config, 'settings'>, nowMs: number): Summary {
  if (tls.crl?.file === undefined) return {}
  const { lists } = readLists(tls.crl.file, authoritiesOf(tls.ca), nowMs)
  return { 'tls.crl': describeLists(overviewOf(lists)) }
}

const usual = 'must be revocation lists, PEM or DER, of the CAs in tls.ca'
const complete = 'must be complete lists of the CAs in tls.ca'
const newer =
  'must not be older than the lists in force; to go back all the same, remove revocation-numbers.json from ' +
  'tls.crl.directory or state.directory, if it is there, and restart'

const remedies: Partial<Record<RefusalReason, string>> = {
  older: newer,
  'same-number': newer,
  infrastructure: "must be the CA's full list, ca_crl.pem",
  delta: complete,
  partial: complete,
  indirect: complete,
  'critical-extension': complete,
  future: 'compare the clocks',
  unreadable: 'must be a file this user can read'
}

function unreadable(cause: string, isOwnFault = false): CrlError {
  return new CrlError([{ reason: 'unreadable', text: `cannot be read, ${cause}`, isOwnFault }])
}

const infrastructure = new CrlError([
  {
    reason: 'infrastructure',
    text: `is ${INFRASTRUCTURE_FILE}, the list of infrastructure nodes, which leaves out revoked agents`
  }
])

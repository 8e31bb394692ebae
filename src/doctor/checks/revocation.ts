import type { CrlSettings } from '../../model/settings.ts'
import type { Authority } from '../../pki/authorities.ts'
import { type AuthorityList, readRevocations } from '../../pki/crl.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { countBeyond } from '../../pki/serials.ts'
import { successionProblems } from '../../pki/succession.ts'
import { type Finding, findingOf } from '../finding.ts'
import { authorityFile } from '../places.ts'

const find = findingOf('revocation')

const DAY_MS = 86_400_000
const SOON_MS = 7 * DAY_MS
/** A list may be so long on its way here. */
const ON_ITS_WAY_MS = 10 * 60_000

const copy =
  'With tls.crl.fetch: look in the log why the CA gives none. With a file: ship ' +
  `${authorityFile('ca_crl.pem')} from the CA again, and have a timer do so, as the README says ("The full list").`

/** What a configuration without lists means. */
export const noLists: Finding = find(
  'warning',
  'tls.crl',
  'no revocation list is configured: masters believe the balancer and check none themselves, so a revoked agent is served.',
  `Set tls.crl: { fetch: true } and state.directory; or tls.crl.file to a copy of ${authorityFile('ca_crl.pem')}.`
)

/** The lists of the configuration, by their dates. Pure. */
export function checkLists(
  { expired }: Pick<CrlSettings, 'expired'>,
  lists: readonly AuthorityList[],
  nowMs: number
): readonly Finding[] {
  return lists.flatMap(({ issuer, nextUpdateMs }) => {
    if (nextUpdateMs === undefined || nextUpdateMs - nowMs > SOON_MS) return []
    const date = new Date(nextUpdateMs).toISOString()
    if (nextUpdateMs > nowMs)
      return [
        find(
          'warning',
          'tls.crl.file',
          `the list of ${quoted(issuer)} is to be replaced before ${date}.`,
          copy
        )
      ]
    const refuses = expired === 'refuse'
    return [
      find(
        refuses ? 'error' : 'warning',
        'tls.crl.file',
        `the list of ${quoted(issuer)} was to be replaced before ${date}` +
          (refuses
            ? ': all agents of that CA are refused (tls.crl.expired).'
            : '; it stays in force (tls.crl.expired).'),
        copy
      )
    ]
  })
}

/** Lists of the CA itself. */
export interface TheirLists {
  /** `ca`, or the file that they were read from. */
  readonly from: string
  readonly bytes: Buffer
  /** They came from its listener, which may serve a list that leaves agents out. */
  readonly isServed: boolean
  /** They must be of the CA that this site has. */
  readonly isExpected: boolean
}

/** Whether the CA has revoked what our lists do not name. Pure. */
export function compareLists(
  ours: readonly AuthorityList[],
  { from, bytes, isServed, isExpected }: TheirLists,
  authorities: readonly Authority[],
  nowMs: number
): readonly Finding[] {
  const theirs = readOrNone(bytes, authorities, nowMs)
  if (theirs === undefined) {
    if (!isExpected) return []
    const message = `what ${from} has is no revocation list of the CAs in tls.ca.`
    return [find('warning', from, message, 'Look whether ca.url and tls.ca are of the same CA.')]
  }
  const keyIds = new Set(authorities.map(({ keyId }) => keyId))
  const isShort = successionProblems(ours, theirs, keyIds).some(({ reason }) => reason === 'infrastructure')
  if (isServed && isShort) {
    const message =
      'the CA serves its short list (enable-infra-crl), which names no agents, so whether ours is fresh cannot be seen from here.'
    return [
      find(
        'note',
        'ca',
        message,
        'Nothing here. On the CA, puppet-lb doctor --ca-dir DIR compares its full list.'
      )
    ]
  }
  return theirs.flatMap(after => {
    const before = ours.find(({ authority }) => authority === after.authority)
    if (!before || after.thisUpdateMs > nowMs - ON_ITS_WAY_MS) return []
    const count = countBeyond(after, before)
    if (count === 0) return []
    return [
      find(
        'error',
        from,
        `${quoted(after.issuer)} has revoked ${count} ${count === 1 ? 'certificate' : 'certificates'} that our list does ` +
          'not name: whoever has one is served.',
        copy
      )
    ]
  })
}

function readOrNone(bytes: Buffer, authorities: readonly Authority[], nowMs: number) {
  try {
    return readRevocations(bytes, authorities, nowMs)
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    return undefined
  }
}

/** A file that cannot be used, one sentence each. */
export function unusableLists(sentences: readonly string[]): readonly Finding[] {
  return sentences.map(sentence => find('error', 'tls.crl.file', `it ${sentence}.`, copy))
}

/** CAs without a list in the file, one sentence each. */
export function lackingLists(sentences: readonly string[]): readonly Finding[] {
  return sentences.map(sentence => find('warning', 'tls.crl.file', `it ${sentence}.`, copy))
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

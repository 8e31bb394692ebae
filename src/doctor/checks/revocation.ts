import type { CrlSettings } from '../../model/settings.ts'
import type { AuthorityList } from '../../pki/crl.ts'
import { ON_ITS_WAY_MS } from '../../pki/full-list.ts'
import { countBeyond } from '../../pki/serials.ts'
import type { OwnListFile } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { authorityFile } from '../places.ts'

const find = findingOf('revocation')

const DAY_MS = 86_400_000
const SOON_MS = 7 * DAY_MS

/** How lists get here. */
export const copy =
  'With tls.crl.fetch: look in the log why the CA gives none. With a file: ship ' +
  `${authorityFile('ca_crl.pem')} from the CA again, and have a timer do so, as DEPLOY.md says ("The full list").`

/** What a configuration without lists means. */
export const noLists: Finding = find(
  'warning',
  'tls.crl',
  'no revocation list is configured: masters believe the balancer and check none themselves, so a revoked agent is served.',
  `Set tls.crl: { fetch: true } and state.directory; or tls.crl.file to a copy of ${authorityFile('ca_crl.pem')}.`
)

/** The lists that count here, by their dates. `subject`: the key that they come by. Pure. */
export function checkLists(
  { expired }: Pick<CrlSettings, 'expired'>,
  lists: readonly AuthorityList[],
  subject: 'tls.crl.file' | 'tls.crl.fetch',
  nowMs: number
): readonly Finding[] {
  return lists.flatMap(({ issuer, nextUpdateMs }) => {
    if (nextUpdateMs === undefined || nextUpdateMs - nowMs > SOON_MS) return []
    const date = new Date(nextUpdateMs).toISOString()
    if (nextUpdateMs > nowMs)
      return [
        find('warning', subject, `the list of ${quoted(issuer)} is to be replaced before ${date}.`, copy)
      ]
    const refuses = expired === 'refuse'
    return [
      find(
        refuses ? 'error' : 'warning',
        subject,
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
  readonly lists: readonly AuthorityList[]
}

/** Whether the CA has revoked what our lists do not name. Pure. */
export function compareLists(
  ours: readonly AuthorityList[],
  { from, lists }: TheirLists,
  nowMs: number
): readonly Finding[] {
  return lists.flatMap(after => {
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

/** What somebody gave as the lists of our CAs, and is none; `from` as in `TheirLists`. */
export function foreignLists(from: string): Finding {
  const message = `what ${from} has is no revocation list of the CAs in tls.ca.`
  return find('warning', from, message, 'Look whether ca.url and tls.ca are of the same CA.')
}

/**
 * What cannot be seen from here. `served`: how fresh ours is, for the CA serves its short one; `unsaid`: whether it does.
 */
export function unseenList(why: 'served' | 'unsaid'): Finding {
  const message =
    why === 'served'
      ? 'the CA serves its short list (enable-infra-crl), which names no agents, so whether ours is fresh cannot be seen from here.'
      : 'the CA does not say when its full list ends (GET /puppet-ca/v1/expirations), so whether it serves that, or its short ' +
        'one (enable-infra-crl), cannot be seen from here.'
  return find(
    'note',
    'ca',
    message,
    'Nothing here. On the CA, puppet-lb doctor --ca-dir DIR compares its full list.'
  )
}

/** Files that cannot be used, or lack something, one sentence each. */
export function checkOwnFile({ key, file, problems }: OwnListFile): readonly Finding[] {
  const isKept = key === 'tls.crl.directory'
  const remedy = isKept ? `Remove ${file}: a balancer that runs keeps the CA's lists there again.` : copy
  return problems.map(sentence => find(isKept ? 'warning' : 'error', key, `it ${sentence}.`, remedy))
}

/** CAs without a list, one sentence each. */
export function lackingLists(sentences: readonly string[], subject: string): readonly Finding[] {
  return sentences.map(sentence => find('warning', subject, `it ${sentence}.`, copy))
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

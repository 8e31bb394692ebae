import type { AuthorityList } from '../../pki/crl.ts'
import { type FullListEnds, fullListEnd, isNotFull, ON_ITS_WAY_MS } from '../../pki/full-list.ts'
import { type Finding, findingOf } from '../finding.ts'
import { authorityFile } from '../places.ts'

const find = findingOf('revocation')

const DAY_MS = 86_400_000

/** What tells whether a CA serves its full list. */
export interface FullListFacts {
  /** The lists that count here. */
  readonly ours: readonly AuthorityList[]
  /** Those that the CA serves. */
  readonly served: readonly AuthorityList[]
  /** When its full ones are to be replaced; `undefined`: it does not say. */
  readonly ends: FullListEnds | undefined
  /** Somebody ships lists from the CA's disk beside those that it serves. */
  readonly isShipped: boolean
}

/** How one of its lists is served, if not in full. `fresh`: ours is the full one. */
export type Shortness = 'fresh' | 'short'

/**
 * Whether a CA serves another list than its full one, which `enable-infra-crl` has it do. Nothing in the short one says so.
 * But each change of a list moves its nextUpdate, and the CA tells that of its full list under `expirations`
 * (`handle-get-ca-expirations` in Puppet Server's `certificate_authority_core.clj`, which reads `cacrl`), whatever it
 * serves. The short one may end earlier or later: a CA makes its first lists for 15 years, and those after them for five.
 * `undefined`: it serves its full lists, or does not say. Pure.
 */
export function shortnessOf(
  { ours, served, ends, isShipped }: FullListFacts,
  nowMs: number
): Shortness | undefined {
  const short = served.filter(list => isNotFull(list, ends))
  if (short.length === 0) return undefined
  const isFresh = short.every(({ authority, issuer }) => {
    const our = ours.find(each => each.authority === authority)
    const end = fullListEnd({ issuer }, ends)
    return our && (!isNotFull(our, ends) || (isShipped && isOnItsWay(our, end, nowMs)))
  })
  return isFresh ? 'fresh' : 'short'
}

/** What is to be said of that. Pure. */
export function checkFullList(facts: FullListFacts, nowMs: number): readonly Finding[] {
  const shortness = shortnessOf(facts, nowMs)
  if (shortness === 'fresh') return []
  if (shortness === 'short')
    return [
      find(
        'error',
        'ca',
        'the CA serves another list than its full one: that of infrastructure nodes (enable-infra-crl in its ca.conf), which ' +
          'names no agents. What it has revoked since is served.',
        `Ship ${authorityFile('ca_crl.pem')} to tls.crl.file, as DEPLOY.md says ("The full list"), or set ` +
          'enable-infra-crl: false there and restart puppetserver.'
      )
    ]
  return []
}

/** Whether the full list is so new that it may be on its way here. Five years may differ by a leap day. */
function isOnItsWay(
  { thisUpdateMs, nextUpdateMs = 0 }: AuthorityList,
  end: number | undefined,
  nowMs: number
): boolean {
  const madeMs = (end ?? 0) - (nextUpdateMs - thisUpdateMs)
  return [0, DAY_MS, -DAY_MS].some(leap => Math.abs(nowMs - (madeMs + leap)) < ON_ITS_WAY_MS)
}

import type { CrlSettings } from '../../model/settings.ts'
import { type AuthorityList, overviewOf } from '../../pki/crl.ts'
import { ON_ITS_WAY_MS } from '../../pki/full-list.ts'
import type { OwnLists, RunningFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { copy } from './revocation.ts'

const find = findingOf('revocation')

/** Rounds without an answer, after which something is wrong. */
const ROUNDS = 3

/** What a balancer that runs says of the lists it goes by. `isLateSeen`: that one is late is told already. Pure. */
export function checkRunningLists(
  crl: RunningFacts['crl'],
  { fetch, refreshMs, directory }: CrlSettings,
  { isKept, isLateSeen }: Pick<OwnLists, 'isKept'> & { readonly isLateSeen: boolean },
  nowMs: number
): readonly Finding[] {
  const subject = fetch ? 'tls.crl.fetch' : 'tls.crl.file'
  if (!crl) {
    // With a file alone it would not have started; it goes by a configuration that wants none.
    if (!fetch) return []
    const message =
      'the balancer that runs has no revocation list in force: nobody can tell who is revoked, so whoever shows a ' +
      'certificate is answered 503.'
    return [find('error', subject, message, copy)]
  }
  const findings: Finding[] = []
  const lastly = crl.fetchedAt === null ? 'it never did' : `it last did at ${crl.fetchedAt}`
  const silentMs = crl.fetchedAt === null ? 0 : nowMs - Date.parse(crl.fetchedAt)
  if (crl.problem !== null)
    findings.push(
      find(
        'warning',
        subject,
        `the CA gives the balancer that runs no list (${lastly}): ${crl.problem}.`,
        copy
      )
    )
  else if (fetch && silentMs > Math.max(ROUNDS * refreshMs, ON_ITS_WAY_MS))
    findings.push(
      find(
        'warning',
        subject,
        `the balancer that runs has not asked the CA for lists of late: ${lastly}.`,
        copy
      )
    )
  if (crl.late !== null && !isLateSeen)
    findings.push(
      find(
        crl.late === 'refuse' ? 'error' : 'warning',
        subject,
        `a list that the balancer that runs goes by was to be replaced before ${crl.nextUpdate}` +
          (crl.late === 'refuse'
            ? ': all agents of its CA are refused (tls.crl.expired).'
            : '; it stays in force.'),
        copy
      )
    )
  if (isKept === false && crl.fetchedAt !== null)
    findings.push(
      find(
        'warning',
        'tls.crl.directory',
        `the balancer that runs has lists, and keeps none in ${directory}: a start while the CA is away refuses every agent.`,
        'Let the user that serves write there; its log says what the system says ("cannot be kept").'
      )
    )
  return findings
}

/**
 * The same against what the CA serves, where the lists in force are kept nowhere: by the numbers, which a CA counts up.
 * Pure.
 */
export function compareRunning(
  crl: RunningFacts['crl'],
  served: readonly AuthorityList[],
  nowMs: number
): readonly Finding[] {
  const newestMs = Math.max(...served.map(({ thisUpdateMs }) => thisUpdateMs))
  if (!crl || crl.number === null || served.length === 0 || newestMs > nowMs - ON_ITS_WAY_MS) return []
  const { number, entries } = overviewOf(served)
  if (number === undefined || BigInt(number) <= BigInt(crl.number)) return []
  const message =
    `the CA has list number ${number} with ${entries} revoked, and the balancer that runs goes by number ${crl.number} with ` +
    `${crl.entries}: whoever was revoked since is served.`
  return [find('error', 'ca', message, copy)]
}

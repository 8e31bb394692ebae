import semver from 'semver'
import { sharePool } from '../../model/pool.ts'
import type { MemberFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('version')

/** Versions of Puppet Server that differ where one may stand in for another, or that something is known of. Pure. */
export function checkVersions({ masters, ca, isCaMaster }: SiteFacts): readonly Finding[] {
  return [...differences(masters), ...[...masters, ...(isCaMaster ? [] : [ca])].flatMap(known(ca))]
}

function differences(masters: readonly MemberFacts[]): readonly Finding[] {
  return masters.flatMap((master, index) => {
    const before = masters.slice(0, index).find(each => each.version !== undefined && sharePool(each, master))
    if (!before || master.version === undefined || master.version === before.version) return []
    return [
      find(
        'warning',
        master.name,
        `it runs Puppet Server ${master.version} and ${before.name} ${before.version}: one agent gets catalogs of both.`,
        'Finish the upgrade (puppet-lb drain NAME, upgrade, puppet-lb undrain NAME), or give them pools of their own.'
      )
    ]
  })
}

/** What is known of a range, and whom it concerns. */
interface KnownProblem {
  readonly range: string
  readonly concerns: (member: MemberFacts, ca: MemberFacts) => boolean
  readonly message: string
  readonly remedy: string
}

const problems: readonly KnownProblem[] = [
  {
    // The status service names its JRubies since 5.0.0 (SERVER-1768).
    range: '<5.0.0',
    concerns: ({ name, capacity, isRaw }) => name !== 'ca' && capacity === undefined && !isRaw,
    message: 'does not tell how many JRubies it has, so it is taken to have four',
    remedy: 'Set capacity of this master to its max-active-instances.'
  },
  {
    // CVE-2023-5255: mended in 8.2.3.
    range: '>=8.2.0 <8.2.3',
    concerns: ({ url }, ca) => url === ca.url,
    message: 'renews certificates that are revoked (CVE-2023-5255)',
    remedy: 'Upgrade the CA to 8.2.3 or later.'
  }
]

function known(ca: MemberFacts) {
  return (member: MemberFacts): readonly Finding[] => {
    const version = semver.coerce(member.version)
    if (!version) return []
    return problems
      .filter(({ range, concerns }) => semver.satisfies(version, range) && concerns(member, ca))
      .map(({ message, remedy }) =>
        find('warning', member.name, `Puppet Server ${member.version} ${message}.`, remedy)
      )
  }
}

import { X509Certificate } from 'node:crypto'
import { certificateEndsOf } from '../control/certificate-ends.ts'
import { hostOf } from '../control/sources/question.ts'
import type { Config, Settings } from '../model/settings.ts'
import { authoritiesOf } from '../pki/authorities.ts'
import type { AuthorityList } from '../pki/crl.ts'
import { checkBundle, checkEnds, checkOwn, checkShown } from './checks/certificate.ts'
import { checkClocks } from './checks/clock.ts'
import { checkCode, checkServedCode } from './checks/code.ts'
import { checkWarnings } from './checks/configuration.ts'
import { checkIdentity } from './checks/identity.ts'
import { checkMachine } from './checks/machine.ts'
import { checkNames } from './checks/names.ts'
import { checkRenewal, checkStanding } from './checks/own-standing.ts'
import { checkPermissions } from './checks/permission.ts'
import { checkReachability } from './checks/reachability.ts'
import { noLists } from './checks/revocation.ts'
import { checkRunning } from './checks/running.ts'
import { checkServerFiles, wantsOf } from './checks/server-files.ts'
import { checkVersions } from './checks/version.ts'
import type { MachineFacts, OwnList, OwnLists, RunningFacts, ServerFiles, SiteFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { type EnrolledBy, enrolledBy } from './new-certificate.ts'
import { diagnoseLists, type RevocationDiagnosis } from './revocation.ts'

/** Everything that was looked at. */
export interface Facts {
  readonly config: Config
  readonly site: SiteFacts
  readonly machine: MachineFacts
  /** File descriptors that the system grants this process. */
  readonly granted: number
  /** `undefined`: no balancer runs, or it does not answer here. */
  readonly running: RunningFacts | undefined
  /** Names that lead to this machine and that agents use who are told no server. */
  readonly usualNames: readonly string[]
  readonly serverFiles: ServerFiles | undefined
  readonly ownList: OwnList | undefined
  /** What is there of the lists that the configuration names. */
  readonly ownLists: OwnLists
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** What is wrong, by all that was looked at. Pure. */
export function diagnose(facts: Facts): readonly Finding[] {
  const { config, site, machine, granted, running, usualNames, serverFiles, nowMs } = facts
  const { tls } = config.settings
  const by = enrolledBy(config.settings.enroll, config.file)
  const { lists, findings } = checkRevocation(facts, by)
  return [
    ...checkWarnings(config.warnings, config.file),
    ...(running ? checkRunning(running, site) : []),
    ...checkReachability(site, hostOf),
    ...checkShown(site, nowMs),
    ...checkOurs(facts, lists, by),
    ...checkBundle(site, tls.ca),
    ...checkClocks(site),
    ...checkVersions(site),
    ...checkIdentity(site),
    ...checkPermissions(site),
    ...findings,
    ...checkNames(
      { asked: running?.names ?? [], usual: usualNames },
      coverageOf(tls),
      by(tls.certificates[0]?.certFile ?? '')
    ),
    ...checkMachine(machine, config, { granted, running: running?.descriptors }),
    ...checkCode(site),
    ...checkServedCode(running?.code ?? [], nowMs),
    ...(serverFiles ? checkServerFiles(serverFiles, wantsOf(config.settings)) : [])
  ]
}

/** Our certificates: as they are, as they end, and as a balancer that runs says. */
function checkOurs({ config, running, nowMs }: Facts, lists: readonly AuthorityList[], by: EnrolledBy) {
  const { tls } = config.settings
  const findings = checkOwn(tls, lists, by, nowMs)
  const standing = running?.ownCertificate
  const isToldAlready = standing?.state === 'revoked' && findings.some(({ level }) => level === 'error')
  return [
    ...findings,
    ...(standing && !isToldAlready ? checkStanding(standing) : []),
    ...checkRenewal(tls.certificates, by, standing, nowMs),
    ...checkEnds(certificateEndsOf(config.settings, { presented: [], crl: undefined }), by, nowMs)
  ]
}

function checkRevocation(
  { config, site, ownList, ownLists, running, nowMs }: Facts,
  by: EnrolledBy
): RevocationDiagnosis {
  const { crl, ca } = config.settings.tls
  if (!crl) return { lists: [], findings: [noLists] }
  return diagnoseLists({
    ...{ crl, ownList, running, nowMs },
    isShipped: crl.file !== undefined && !by(crl.file),
    authorities: authoritiesOf(ca),
    own: ownLists,
    documents: site.ca.documents
  })
}

/** Whether a certificate of ours has a name, as clients compare it. */
function coverageOf({ certificates }: Pick<Settings['tls'], 'certificates'>): (name: string) => boolean {
  const leaves = certificates.map(({ cert }) => new X509Certificate(cert))
  return name => leaves.some(leaf => leaf.checkHost(name) !== undefined)
}

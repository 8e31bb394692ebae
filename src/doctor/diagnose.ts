import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { missingLists, readLists, sentencesOf } from '../config/revocation-lists.ts'
import { certificateEndsOf } from '../control/certificate-ends.ts'
import { keptFile } from '../control/revocation/kept-lists.ts'
import { hostOf } from '../control/sources/question.ts'
import type { Config, CrlSettings, Settings } from '../model/settings.ts'
import { type Authority, authoritiesOf } from '../pki/authorities.ts'
import type { AuthorityList } from '../pki/crl.ts'
import { CrlError } from '../pki/crl-error.ts'
import { laterOf } from '../pki/succession.ts'
import { checkBundle, checkEnds, checkOwn, checkShown } from './checks/certificate.ts'
import { checkClocks } from './checks/clock.ts'
import { checkCode, checkServedCode } from './checks/code.ts'
import { checkWarnings } from './checks/configuration.ts'
import { checkIdentity } from './checks/identity.ts'
import { checkMachine } from './checks/machine.ts'
import { checkNames } from './checks/names.ts'
import { checkPermissions } from './checks/permission.ts'
import { checkReachability } from './checks/reachability.ts'
import {
  checkLists,
  compareLists,
  lackingLists,
  noLists,
  type TheirLists,
  unusableLists
} from './checks/revocation.ts'
import { checkRunning } from './checks/running.ts'
import { checkServerFiles } from './checks/server-files.ts'
import { checkVersions } from './checks/version.ts'
import type { MachineFacts, OwnList, RunningFacts, ServerFiles, SiteFacts } from './facts.ts'
import type { Finding } from './finding.ts'

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
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** What is wrong, by all that was looked at. Reads the file of revocation lists, and asks nobody. */
export function diagnose(facts: Facts): readonly Finding[] {
  const { config, site, machine, granted, running, usualNames, serverFiles, nowMs } = facts
  const { tls } = config.settings
  const { lists, findings } = checkRevocation(facts)
  return [
    ...checkWarnings(config.warnings, config.file),
    ...(running ? checkRunning(running, site) : []),
    ...checkReachability(site, hostOf),
    ...checkShown(site, nowMs),
    ...checkOwn(tls, lists, nowMs),
    ...checkEnds(certificateEndsOf(config.settings, { presented: [], crl: undefined }), nowMs),
    ...checkBundle(site, tls.ca),
    ...checkClocks(site),
    ...checkVersions(site),
    ...checkIdentity(site),
    ...checkPermissions(site),
    ...findings,
    ...checkNames({ asked: running?.names ?? [], usual: usualNames }, coverageOf(tls)),
    ...checkMachine(machine, config, { granted, running: running?.descriptors }),
    ...checkCode(site),
    ...checkServedCode(running?.code ?? [], nowMs),
    ...(serverFiles ? checkServerFiles(serverFiles) : [])
  ]
}

function checkRevocation(facts: Facts): {
  readonly lists: readonly AuthorityList[]
  readonly findings: readonly Finding[]
} {
  const { config, nowMs } = facts
  const { crl, ca } = config.settings.tls
  if (!crl) return { lists: [], findings: [noLists] }
  const authorities = authoritiesOf(ca)
  const { lists, files, findings } = readOurs(crl, authorities, nowMs)
  if (lists.length === 0) return { lists, findings }
  return {
    lists,
    findings: [
      ...findings,
      ...lackingLists(missingLists(files.join(' and '), lists, authorities)),
      ...checkLists(crl, lists, nowMs),
      ...theirLists(facts, crl).flatMap(each => compareLists(lists, each, authorities, nowMs))
    ]
  }
}

/** What the configuration names, and what is kept of that which was fetched: of each CA the later list. */
function readOurs({ file, fetch, directory }: CrlSettings, authorities: readonly Authority[], nowMs: number) {
  const kept = fetch && directory !== undefined ? keptFile(directory) : undefined
  const files = [
    ...(file === undefined ? [] : [file]),
    ...(kept !== undefined && existsSync(kept) ? [kept] : [])
  ]
  const keyIds = new Set(authorities.map(({ keyId }) => keyId))
  let lists: readonly AuthorityList[] = []
  const findings: Finding[] = []
  for (const each of files) {
    try {
      lists = laterOf(lists, readLists(each, authorities, nowMs).lists, keyIds)
    } catch (error) {
      if (!(error instanceof CrlError)) throw error
      findings.push(...unusableLists(sentencesOf(error, each)))
    }
  }
  return { lists, files, findings }
}

/** A balancer that fetches lists, and does not run, asks the CA for newer ones before it serves. */
function theirLists({ site, ownList, running }: Facts, { fetch }: CrlSettings): readonly TheirLists[] {
  if (fetch && !running) return []
  const served = site.ca.documents?.list
  return [
    ...(served === undefined
      ? []
      : [{ from: 'ca', bytes: Buffer.from(served), isServed: true, isExpected: true }]),
    ...(ownList
      ? [{ from: ownList.file, bytes: ownList.bytes, isServed: false, isExpected: ownList.isNamed }]
      : [])
  ]
}

/** Whether a certificate of ours has a name, as clients compare it. */
function coverageOf({ certificates }: Pick<Settings['tls'], 'certificates'>): (name: string) => boolean {
  const leaves = certificates.map(({ cert }) => new X509Certificate(cert))
  return name => leaves.some(leaf => leaf.checkHost(name) !== undefined)
}

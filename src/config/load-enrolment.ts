import { dirname, resolve } from 'node:path'
import type { EnrollSettings } from '../model/enrolment.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { CertificateSettings, LogSettings } from '../model/settings.ts'
import { CrlError } from '../pki/crl-error.ts'
import { readAdminToken } from './admin-token.ts'
import { enrollOf, logOf } from './assemble.ts'
import type { Environment } from './environment.ts'
import type { FileContext } from './files.ts'
import type { LoadOptions } from './load.ts'
import { reportLogFile } from './log-file.ts'
import { inOrder, judge, openFile } from './open-file.ts'
import { ConfigError, type Path } from './problems.ts'
import { readListFile, sentencesOf } from './revocation-lists.ts'
import type { Draft } from './schema-tree.ts'
import { readTlsFiles } from './tls-files.ts'

/**
 * What a balancer has to know to enrol. All of a configuration is judged, as `loadConfig` does it, but the files that
 * enrolment brings: nobody is asked for a signature before the rest is right. `undefined` for one that does not enrol.
 * Throws a ConfigError with every problem there is.
 */
export function loadEnrolment(
  file: string,
  env: Environment,
  { wallClock = systemRuntime.wallClock, logs = false }: Pick<LoadOptions, 'wallClock' | 'logs'> = {}
): EnrolmentConfig | undefined {
  const opened = openFile(file, env)
  const { placeOf, isFilledIn, problems, files, report, reportVariable } = opened
  const { result, draft } = judge(opened)
  const directory = dirname(resolve(file))
  const context = { directory, nowMs: wallClock(), report, warn: () => {}, readsLists: false, files }
  if (!draft.enroll) return undefined
  const own = { tls: ownTls(draft.tls, isFilledIn), upstream: draft.upstream }
  const { upstreamCa, upstreamClient } = readTlsFiles(own, context)
  if (!isFilledIn(['tls', 'crl', 'file'])) reportListFile(draft, context)
  readAdminToken(draft, env, context, reportVariable)
  if (logs) reportLogFile(draft, context)
  if (problems.length > 0 || !result.data) throw new ConfigError(inOrder(problems), [...files])
  const { enroll, ca, upstream, admin, log } = result.data
  if (!enroll || ca.url === undefined) return undefined
  return {
    enroll: enrollOf(enroll, directory),
    reach: {
      url: ca.url,
      ca: upstreamCa?.pem,
      client: upstreamClient,
      serverName: upstream.tls.serverName,
      verify: !upstream.tls.dangerouslySkipVerification
    },
    bringsLists: isFilledIn(['tls', 'crl', 'file']),
    admin: { host: admin.host, port: admin.port },
    log: logOf(log, directory, placeOf(['log', 'file']))
  }
}

/** The files that the configuration names itself. Of a pair that enrolment brings a part of, it has to judge both. */
function ownTls(tls: Draft['tls'], isFilledIn: (path: Path) => boolean): Draft['tls'] {
  const isBrought = (key: string) => isFilledIn(['tls', key])
  const hasPair = !isBrought('cert') && !isBrought('key')
  return {
    ...(hasPair && { cert: tls?.cert, key: tls?.key }),
    ...(!isBrought('ca') && { ca: tls?.ca })
  }
}

/** Whose lists they are is known once the CA is. */
function reportListFile({ tls }: Draft, { directory, report }: FileContext): void {
  if (tls?.crl?.file === undefined) return
  const file = resolve(directory, tls.crl.file)
  try {
    readListFile(file)
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    for (const sentence of sentencesOf(error, file)) report(['tls', 'crl', 'file'], sentence)
  }
}

/** What `loadEnrolment` finds. */
export interface EnrolmentConfig {
  readonly enroll: EnrollSettings
  /** How the CA is reached; `ca` (PEM) where its server has a certificate of another CA than its own. */
  readonly reach: {
    readonly url: string
    readonly ca: string | undefined
    readonly client: CertificateSettings | undefined
    readonly serverName: string | undefined
    readonly verify: boolean
  }
  /** Whether the revocation lists that come with the certificate are used; `false` where `tls.crl.file` names others. */
  readonly bringsLists: boolean
  /** Where operators ask meanwhile. */
  readonly admin: { readonly host: string; readonly port: number }
  readonly log: LogSettings
}

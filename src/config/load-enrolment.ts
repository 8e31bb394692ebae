import { dirname, resolve } from 'node:path'
import type { EnrollSettings } from '../model/enrolment.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { CertificateSettings, LogSettings } from '../model/settings.ts'
import { enrollOf, logOf } from './assemble.ts'
import type { Environment } from './environment.ts'
import type { LoadOptions } from './load.ts'
import { inOrder, judge, openFile } from './open-file.ts'
import { ConfigError } from './problems.ts'
import { readTlsFiles } from './tls-files.ts'

/**
 * What a balancer has to know to enrol: all of a configuration is judged but the files that enrolment brings. `undefined`
 * for one that does not enrol. Throws a ConfigError.
 */
export function loadEnrolment(
  file: string,
  env: Environment,
  { wallClock = systemRuntime.wallClock }: Pick<LoadOptions, 'wallClock'> = {}
): EnrolmentConfig | undefined {
  const opened = openFile(file, env)
  const { placeOf, problems, files, report } = opened
  const { result, draft } = judge(opened)
  const directory = dirname(resolve(file))
  const context = { directory, nowMs: wallClock(), report, warn: () => {}, readsLists: false, files }
  if (!draft.enroll) return undefined
  const { upstreamCa, upstreamClient } = readTlsFiles({ upstream: draft.upstream }, context)
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
    admin: { host: admin.host, port: admin.port },
    log: logOf(log, directory, placeOf(['log', 'file']))
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
  /** Where operators ask meanwhile. */
  readonly admin: { readonly host: string; readonly port: number }
  readonly log: LogSettings
}

import type { Logger } from 'pino'
import { type App, startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { loadEnrolment } from '../config/load-enrolment.ts'
import { ConfigError } from '../config/problems.ts'
import { EnrolmentError } from '../control/certificates/enrolment-error.ts'
import type { Predecessor } from '../control/takeover/predecessor.ts'
import { systemRuntime } from '../model/runtime.ts'
import { withoutSecrets } from '../model/secret-text.ts'
import type { Config } from '../model/settings.ts'
import { flushLog } from '../telemetry/log.ts'
import { tellMigration } from './connect-migration.ts'
import { enrolFirst } from './enrol-first.ts'
import { findPredecessor, onPortsOf, TakeoverMisfitError } from './predecessor.ts'
import { openProcessLog } from './process-log.ts'
import { untilSignalled } from './signals.ts'

export interface ServeOptions {
  readonly config: string
  /** Takes over from the balancer that runs with these addresses, if one does. */
  readonly takeover?: boolean | undefined
  /** Of the program. */
  readonly version: string
}

/** Exit code: 0 after a drain, 1 for a bad configuration, 2 when an address or a certificate cannot be had. */
export async function serve(options: ServeOptions): Promise<number> {
  const load = (lists: 'now' | 'later' = 'later') =>
    loadConfig(options.config, process.env, { lists, logs: true })
  const enrolment = loadEnrolment(options.config, process.env, { logs: true })
  // The files that enrolment brings are part of the rest.
  const early = enrolment ? undefined : load()
  const { log: logSettings } = enrolment ?? (early as Config).settings
  // A log file that cannot be had is told with everything else that is wrong, the revocation lists included.
  const { log, logOutput } = openProcessLog(logSettings, () =>
    enrolment ? loadEnrolment(options.config, process.env, { logs: true }) : load('now')
  )
  const started = Promise.withResolvers<App>()
  // Before anything is waited for: process 1 of a container ignores a signal that it has no handler for.
  const signalled = untilSignalled(systemRuntime.now, {
    // The file may have changed since it was read, so one that comes too early is kept.
    reload: () =>
      void started.promise
        .then(app => app.reload())
        .catch((err: Error) => log.error({ err }, 'a reload failed in a way nobody foresaw')),
    stray: sentence => log.info(sentence),
    second: signal => log.warn({ signal }, 'a second signal: ended at once, requests under way are cut')
  })

  /** The one to take over from; whoever runs there is untouched until this one serves. */
  async function predecessorOf(config: Config): Promise<Predecessor | undefined> {
    if (!options.takeover) return undefined
    const predecessor = await findPredecessor(config, { ...options, runtime: systemRuntime })
    if (!predecessor) log.info('nobody runs to take over from: this is a plain start')
    else {
      const { pid, version } = predecessor.state
      log.info({ pid, version }, 'taking over from the process that runs')
    }
    return predecessor
  }

  const ending = new AbortController()
  void signalled.then(() => ending.abort())

  try {
    tellMigration(log)
    const enrolled =
      enrolment && enrolFirst(enrolment, { log, runtime: systemRuntime, signal: ending.signal })
    await Promise.race([enrolled, signalled])
    if (ending.signal.aborted) return 0
    const config = early ?? load()
    const predecessor = (await Promise.race([predecessorOf(config), signalled])) || undefined
    if (ending.signal.aborted) return 0
    const own = predecessor ? onPortsOf(predecessor, config) : config
    const app = await startApp(own, {
      log,
      logOutput,
      load: () => load(),
      predecessor,
      signal: ending.signal
    })
    started.resolve(app)
    await Promise.race([signalled, app.handedOver])
    await app.drain()
    await flushLog(log)
    return 0
  } catch (error) {
    if (ending.signal.aborted && error === ending.signal.reason) {
      await flushLog(log)
      return 0
    }
    if (options.takeover) await tellNoTakeover(log, error)
    // The revocation lists are read with the start, and are part of the configuration.
    if (error instanceof ConfigError) throw error
    const { message, code } = error as NodeJS.ErrnoException
    const hint = code === 'EADDRINUSE' ? hintOf(options) : ''
    process.stderr.write(`puppet-lb cannot start: ${withoutSecrets(message)}${hint}\n`)
    const isInput = error instanceof EnrolmentError && error.kind === 'input'
    return isInput || error instanceof TakeoverMisfitError ? 1 : 2
  }
}

/** Whoever reads the log alone is to know that the process that ran before still serves, and why. */
async function tellNoTakeover(log: Logger, error: unknown): Promise<void> {
  const cause = error instanceof Error ? error.message : String(error)
  log.warn(
    { cause: withoutSecrets(cause) },
    'this process does not take over and ends; whoever runs serves on'
  )
  await flushLog(log)
}

/** What to do where somebody else has an address. */
function hintOf({ takeover }: ServeOptions): string {
  return takeover
    ? '. If a balancer has it, its admin listener is not where this configuration has it: the keys of admin must lead there'
    : '. If that is a balancer that this one is to replace, start with --takeover'
}

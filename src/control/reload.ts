import type { Logger } from 'pino'
import { diffOf, isBootKey } from '../config/diff.ts'
import { ConfigError } from '../config/problems.ts'
import type { EventLog } from '../model/event.ts'
import type { Runtime } from '../model/runtime.ts'
import { withoutSecrets } from '../model/secret-text.ts'
import type { Config } from '../model/settings.ts'
import type { ReloadReport, ReloadStatus, SettingChange } from '../model/status.ts'
import type { ChangeQueue } from './change-queue.ts'

/** A certificate whose key is not there yet: how long a change seen by ourselves waits for it, and how it asks. */
const PAIR = { timeoutMs: 30_000, againMs: 1_000 } as const

/** Settings that are ready to be put in force. */
export interface PreparedReload {
  /** What changes beside the keys: the content of files that a configuration only names. */
  readonly changed: readonly SettingChange[]
  readonly commit: () => Promise<void>
}

export interface ReloadDeps {
  /** Whatever changes what is in force waits here for its turn. */
  readonly changes: ChangeQueue
  /** What was loaded at the start. */
  readonly first: Config
  /** Reads the configuration again. Throws a ConfigError. */
  readonly load: () => Config
  /**
   * Makes everything ready for new settings without changing anything: throws or rejects when something cannot be
   * had. The result puts them in force, and resolves when all go by them.
   */
  readonly prepare: (config: Config) => Promise<PreparedReload>
  /** Told which files the configuration is read from: once they were read, and after every attempt. */
  readonly watchFiles: (files: readonly string[]) => void
  /** What is worth a second look once the settings are in force, one sentence each. */
  readonly concerns: () => readonly string[]
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Takes a changed configuration while it serves: load, compare, prepare, publish. A failure leaves all as it was. */
export interface Reload {
  /**
   * Reloads now. Never rejects. One that is asked for while another change is made begins after it, and is the same for
   * all who ask in the meantime.
   */
  readonly now: () => Promise<ReloadReport>
  /** Reloads since a file changed; a certificate and a key that do not belong together yet are waited for. */
  readonly afterChange: () => Promise<ReloadReport>
  readonly status: () => ReloadStatus
  /** The configuration in force; what needs a restart is as it was at the start. */
  readonly config: () => Config
  /** Called after every attempt with whether it went well. */
  readonly onAttempt: (listener: (ok: boolean) => void) => void
}

export function createReload(deps: ReloadDeps): Reload {
  const { first, runtime, log, events } = deps
  /** What was loaded last, and what is in force of it. */
  let last = first
  let config = first
  let status: ReloadStatus = Object.freeze({ at: isoNow(), ok: true, problems: [], needsRestart: [] })
  const listeners: ((ok: boolean) => void)[] = []
  /** The one that has not begun yet: whoever asks now gets what the files say when it does. */
  let following: Promise<ReloadReport> | undefined
  /** A change that waits for its other half; what changes meanwhile is taken with it. */
  let waiting: Promise<ReloadReport> | undefined
  let waitUntilMs = 0

  function isoNow(): string {
    return new Date(runtime.wallClock()).toISOString()
  }

  async function attempt(): Promise<ReloadReport> {
    let files = config.files
    try {
      const next = deps.load()
      files = next.files
      // A file that changes again from here on must not be missed.
      deps.watchFiles([...new Set([...config.files, ...files])])
      // What needs a restart is told as long as it differs from what the process began with.
      const { needsRestart } = diffOf(first, next)
      const { changed: keys } = diffOf(last, next)
      const prepared = await deps.prepare(next)
      const changed = [...keys.filter(({ key }) => !isBootKey(key)), ...prepared.changed]
      last = next
      config = Object.freeze({ ...next, boot: first.boot })
      await prepared.commit()
      const warnings = [...config.warnings, ...deps.concerns()]
      return succeed({ at: isoNow(), ok: true, problems: [], needsRestart, changed, warnings }, files)
    } catch (error) {
      if (error instanceof ConfigError && error.files.length > 0)
        files = [...new Set([...files, ...error.files])]
      return fail(error, files)
    }
  }

  function succeed(report: ReloadReport, files: readonly string[]): ReloadReport {
    const { changed, needsRestart } = report
    settle(report, files)
    log.info({ changed: changed.map(({ key }) => key) }, 'configuration is reloaded')
    if (needsRestart.length > 0)
      log.warn({ keys: needsRestart }, 'these keys have changed and need a restart; all others are in force')
    for (const warning of report.warnings) log.warn(warning)
    const what = changed.length === 0 ? 'nothing has changed' : changed.map(({ key }) => key).join(', ')
    events.add({ kind: 'reload', text: `the configuration is reloaded: ${what}` })
    return report
  }

  function fail(error: unknown, files: readonly string[]): ReloadReport {
    const problems =
      error instanceof ConfigError ? [...error.lines] : [withoutSecrets((error as Error).message)]
    const { needsRestart } = status
    const report: ReloadReport = {
      at: isoNow(),
      ok: false,
      problems,
      needsRestart,
      changed: [],
      warnings: []
    }
    settle(report, files)
    log.error({ problems }, 'configuration is not reloaded; the last good one stays in force')
    events.add({ kind: 'reload-refused', text: `the configuration is not reloaded: ${problems.join('; ')}` })
    return report
  }

  function settle({ changed: _, warnings: __, ...rest }: ReloadReport, files: readonly string[]): void {
    status = Object.freeze(rest)
    deps.watchFiles(files)
    for (const listener of listeners) listener(rest.ok)
  }

  function attemptNext(): Promise<ReloadReport> {
    following ??= deps.changes.run(() => {
      following = undefined
      return attempt()
    })
    return following
  }

  /** Whether all that is wrong is that a certificate and its key do not belong together: one of them may be late. */
  function isPairIncomplete(): boolean {
    try {
      deps.load()
      return false
    } catch (error) {
      return error instanceof ConfigError && error.mayMend
    }
  }

  async function waitForPair(): Promise<void> {
    for (let isTold = false; isPairIncomplete() && runtime.now() < waitUntilMs; isTold = true) {
      if (!isTold)
        log.info('a certificate and its key do not belong together yet; the other half is waited for')
      await new Promise<void>(resolve => void runtime.schedule(PAIR.againMs, resolve))
    }
  }

  return {
    now: attemptNext,
    afterChange() {
      waitUntilMs = runtime.now() + PAIR.timeoutMs
      waiting ??= waitForPair().then(() => {
        waiting = undefined
        return attemptNext()
      })
      return waiting
    },
    status: () => status,
    config: () => config,
    onAttempt: listener => void listeners.push(listener)
  }
}

import { type App, startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problems.ts'
import { systemRuntime } from '../model/runtime.ts'
import { flushLog } from '../telemetry/log.ts'
import { openProcessLog } from './process-log.ts'
import { untilSignalled } from './signals.ts'

/** Exit code: 0 after a drain, 1 for a bad configuration, 2 when an address cannot be had. */
export async function serve(options: { readonly config: string }): Promise<number> {
  const load = () => loadConfig(options.config, process.env, { lists: 'later' })
  const config = load()
  const { log, logOutput } = openProcessLog(config.settings.log)
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
  try {
    const app = await Promise.race([startApp(config, { log, logOutput, load }), signalled])
    // Nobody is served yet, so there is nothing to wait for.
    if (!app) return 0
    started.resolve(app)
    await signalled
    await app.drain()
    await flushLog(log)
    return 0
  } catch (error) {
    // The revocation lists are read with the start, and are part of the configuration.
    if (error instanceof ConfigError) throw error
    const { message } = error as Error
    process.stderr.write(`puppet-lb cannot start: ${message}\n`)
    return 2
  }
}

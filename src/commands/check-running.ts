import { describeDiff, diffOfSummaries } from '../config/diff.ts'
import { loadConfig } from '../config/load.ts'
import { summaryOf } from '../config/summary.ts'
import { type AdminAddress, addressOf, parseAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'

export interface CheckRunningOptions {
  readonly config: string
  /** Default: where the configuration says. */
  readonly admin?: string | undefined
}

/**
 * What a running balancer would change if it took this configuration. Throws a ConfigError, or an Error when it cannot
 * be asked.
 */
export async function checkAgainstRunning(
  options: CheckRunningOptions,
  env: NodeJS.ProcessEnv
): Promise<string> {
  const config = loadConfig(options.config, env)
  const token = config.boot.admin.token
  const address: AdminAddress =
    options.admin === undefined ? addressOf(config.boot.admin) : { ...parseAdmin(options.admin), token }
  const running = (await askAdmin(address, { path: '/api/settings' })).json() as Record<string, string>
  return describeDiff(diffOfSummaries(running, summaryOf(config)))
}

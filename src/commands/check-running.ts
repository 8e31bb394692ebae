import { addressOf, parseAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { type CheckResult, check, compareWithRunning } from './check.ts'

export interface CheckRunningOptions {
  readonly config: string
  /** Default: where the configuration says. */
  readonly admin?: string | undefined
}

/**
 * What a running balancer would change if it took this configuration, in place of what the configuration comes to.
 * Throws a ConfigError, or an Error when it cannot be asked.
 */
export async function checkAgainstRunning(
  options: CheckRunningOptions,
  env: NodeJS.ProcessEnv
): Promise<Omit<CheckResult, 'config'>> {
  const { config, warnings } = check(options, env)
  const { admin } = config.boot
  const address =
    options.admin === undefined ? addressOf(admin) : { token: admin.token, ...parseAdmin(options.admin) }
  const running = (await askAdmin(address, { path: '/api/settings' })).json()
  return { warnings, text: compareWithRunning(config, running as Readonly<Record<string, string>>).text }
}

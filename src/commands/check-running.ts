import { diffOfSummaries, renderDiff } from '../config/diff.ts'
import { describeLists, summaryOfLists } from '../config/revocation-lists.ts'
import { type Summary, summaryOf } from '../config/summary.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { Status } from '../model/status.ts'
import { addressOf, parseAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { type CheckResult, check } from './check.ts'
import { paintOf } from './paint.ts'
import { describeKept, weightOf } from './status-text.ts'
import type { Terminal } from './terminal.ts'

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
  io: Pick<Terminal, 'env' | 'isInteractive'>
): Promise<Omit<CheckResult, 'config'>> {
  const { config, warnings } = check(options, io.env)
  const { admin } = config.boot
  const address =
    options.admin === undefined ? addressOf(admin) : { token: admin.token, ...parseAdmin(options.admin) }
  const running = (await askAdmin(address, { path: '/api/settings' })).json()
  const { crl, masters, kept } = (await askAdmin(address, { path: '/api/status' })).json() as Status
  const [before, after] = [running as Summary, summaryOf(config)]
  // What the CA would give, no file tells.
  const isByFile = [before, after].every(each => each['tls.crl.fetch'] !== 'true')
  const diff = diffOfSummaries(
    { ...before, ...(isByFile && crl && { 'tls.crl': describeLists(crl) }) },
    { ...after, ...(isByFile && summaryOfLists(config, systemRuntime.wallClock())) }
  )
  return { warnings, text: [renderDiff(diff, paintOf(io)), ...describeOperators(masters, kept)].join('\n') }
}

/** What operators said to the running one, which no configuration changes. */
function describeOperators(masters: Status['masters'], kept: Status['kept']): readonly string[] {
  const lines = masters.flatMap(master => {
    const { name, mode, weight, configuredWeight } = master
    return [
      ...(mode === 'active' || mode === 'leaving' ? [] : [`${name}: ${mode}`]),
      ...(weight === configuredWeight ? [] : [`${name}: weight ${weightOf(master)}`])
    ]
  })
  const all = [...lines, ...kept.map(describeKept)]
  return all.length === 0 ? [] : ['operators have said, which stays:', ...all.map(line => `  ${line}`)]
}

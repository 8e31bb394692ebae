import { grantedDescriptors } from '../config/granted-descriptors.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problems.ts'
import { formatDuration } from '../config/units.ts'
import { fallenBehind } from '../control/revocation/kept-numbers.ts'
import { descriptorBudget, descriptorWarning } from '../model/descriptors.ts'
import { poolNames } from '../model/pool.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { Config, CrlSettings } from '../model/settings.ts'

/** What a check came to. */
export interface CheckResult {
  readonly config: Config
  /** For standard output: that the file is right, and what it comes to. */
  readonly text: string
  /** For standard error, one line each. */
  readonly warnings: readonly string[]
}

/** Reads a configuration and everything it names, and says what it came to. Throws a ConfigError otherwise. */
export function check(options: { readonly config: string }, env: NodeJS.ProcessEnv): CheckResult {
  const config = loadConfig(options.config, env, { logs: true })
  const behind = fallenBehind(config, systemRuntime.wallClock())
  if (behind.length > 0) {
    const where = config.settings.tls.crl?.place ?? options.config
    throw new ConfigError(behind.map(text => ({ where, key: 'tls.crl.file', text })))
  }
  const text = [`${options.config}: OK`, describeListeners(config), describeMasters(config)].join('\n')
  const budget = descriptorBudget(grantedDescriptors(), config.boot, config.settings)
  const scarcity = descriptorWarning(budget, config.settings) ?? []
  return { config, text, warnings: config.warnings.concat(scarcity).map(warning => `warning: ${warning}`) }
}

function describeListeners({ boot: { listen, admin }, settings }: Config): string {
  const { tls } = settings
  const workers = listen.workers === 0 ? 'the main thread' : counted(listen.workers, 'worker')
  const certificates = counted(tls.certificates.length, 'certificate')
  const crl = tls.crl ? describeLists(tls.crl) : 'no CRL'
  const address = `agents on ${join(listen)} (${workers}, ${certificates}, ${crl})`
  return `  ${[address, ...describeWaysIn(settings.listen), `operators on ${join(admin)}`].join(', ')}`
}

function describeLists({ file, fetch, refreshMs }: CrlSettings): string {
  const ways = [...(file === undefined ? [] : ['read']), ...(fetch ? ['fetched'] : [])]
  return `CRL ${ways.join(' and ')} every ${formatDuration(refreshMs)}`
}

function describeWaysIn({ tcp, proxyProtocol }: Config['settings']['listen']): readonly string[] {
  const raw = tcp.map(({ port, pool }) => `raw TCP on port ${port} to the pool ${pool}`)
  const from = proxyProtocol.from.join(', ')
  return from === '' ? raw : [...raw, `PROXY protocol from ${from}`]
}

/** What the file says; nothing is looked up. */
function describeMasters({ settings: { ca, masters, routes, discovery, balance } }: Config): string {
  const tiers = new Set(masters.map(master => master.priority)).size
  const bySrv = discovery.srv && `by SRV records of ${discovery.srv.domain}`
  const named = `${counted(masters.length, 'master')} of ${counted(tiers, 'priority', 'priorities')}`
  const shared = [
    ...(masters.length > 0 ? [named] : []),
    ...(bySrv ? [`masters ${bySrv}`] : []),
    ...(routes.length > 0
      ? [`${counted(routes.length, 'route')} to ${counted(poolNames(masters).length, 'pool')}`]
      : [])
  ].join(', ')
  return `  CA ${ca ? `at ${ca.url}` : bySrv}, ${shared}, ${balance.policy}`
}

/** `host:port`, with the brackets IPv6 needs there. */
function join({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

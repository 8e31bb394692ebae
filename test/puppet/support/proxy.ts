import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, ask, type Question } from './ask.ts'
import { operator } from './authority.ts'
import { end, isRunning, mustRun, type Run, reaches, run, serves, start } from './background.ts'
import {
  caMaster,
  compileMasters,
  hopFiles,
  type MasterLayout,
  operatorName,
  ports,
  proxyFiles,
  proxyHost,
  scratch,
  urlOf
} from './layout.ts'

const READY_DEADLINE_MS = 30_000
const RELOAD_DEADLINE_MS = 30_000
const SAYS_DEADLINE_MS = 30_000
/** The program's entry. */
export const program = join(import.meta.dirname, '../../../src/main.ts')

/** Where its admin listener is. */
export const adminUrl = `http://127.0.0.1:${ports.admin}`

export interface ProxySettings {
  /** Names its configuration and its log. */
  readonly name: string
  /** Where its revocation lists come from, looked at every second; without it nobody counts as revoked. */
  readonly crl?: { readonly file?: string; readonly directory?: string }
  /** Whom it takes for the CA; without it the CA master. */
  readonly ca?: MasterLayout
  /** Compile masters it knows; without it all of them. */
  readonly masters?: readonly MasterLayout[]
  /** Pools of a master, by its short name; without it the default one. */
  readonly pools?: Readonly<Record<string, readonly string[]>>
  /** The pool that it reaches by raw TCP. */
  readonly tcpPool?: string
  /** Entries of `routes`, each on one line of YAML. */
  readonly routes?: readonly string[]
  /** Where it finds the CA and masters beside those; without it the CA is named. */
  readonly srv?: { readonly domain: string; readonly server: string }
  /** The certificate it shows; without it the one made for all tests. */
  readonly certificate?: { readonly cert: string; readonly key: string }
  /** How it gets its own certificate, in place of those: a group of YAML. */
  readonly enroll?: string
  /** Longest time a request waits for a JRuby whose agent comes back when told to. */
  readonly queueTimeout?: string
  /** Longest time for which a stop waits for requests. */
  readonly drainTimeout?: string
  /** Whether it watches its files by itself, as it does without it, or waits for a signal. */
  readonly reload?: 'watch' | 'signal'
}

/** A balancer that runs. */
export interface Proxy {
  readonly end: () => Promise<void>
  readonly isRunning: () => boolean
  readonly signal: (signal: NodeJS.Signals) => void
  /** Rewrites its configuration, sends SIGHUP, and resolves once the log says that it is in force. */
  readonly reload: (settings: Omit<ProxySettings, 'name'>) => Promise<void>
  /** Resolves with whether it has printed such a line, or does within some time. */
  readonly says: (line: RegExp) => Promise<boolean>
  /** All it has printed; as far as that is flushed. */
  readonly log: () => string
  /** Resolves once it has ended, with its exit status; null when a signal ended it. */
  readonly ended: () => Promise<number | null>
}

/** Starts the balancer as its README says and resolves once it is ready. */
export async function startProxy(settings: ProxySettings): Promise<Proxy> {
  const file = scratch('proxy', `${settings.name}.yaml`)
  writeFileSync(file, configuration(settings))
  const proxy = await startProxyFrom({ name: settings.name, file })
  const reloads = () => proxy.log().split('"msg":"configuration is reloaded"').length - 1
  return {
    ...proxy,
    async reload(changed) {
      const before = reloads()
      writeFileSync(file, configuration({ ...settings, ...changed }))
      proxy.signal('SIGHUP')
      if (!(await reaches(async () => reloads() > before, RELOAD_DEADLINE_MS)))
        throw new Error(`it does not say that it has reloaded:\n${proxy.log()}`)
    }
  }
}

/** The same from a configuration that somebody else wrote; `readyWithinMs` is for one that waits for a person. */
export async function startProxyFrom({
  name,
  file,
  env = {},
  readyWithinMs = READY_DEADLINE_MS
}: {
  readonly name: string
  readonly file: string
  readonly env?: Readonly<Record<string, string>>
  readonly readyWithinMs?: number
}): Promise<Omit<Proxy, 'reload'>> {
  const logFile = scratch('logs', `proxy-${name}.log`)
  const child = start({
    command: process.execPath,
    args: [program, 'serve', '--config', file],
    cwd: scratch(),
    env,
    logFile
  })
  const { pid } = child
  const log = () => readFileSync(logFile, 'utf8')
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  await serves(pid, logFile, async () => (await admin('/readyz')).status === 200, readyWithinMs)
  return {
    end: () => end(pid),
    isRunning: () => isRunning(pid),
    signal: signal => process.kill(pid, signal),
    log,
    says: line => reaches(async () => line.test(log()), SAYS_DEADLINE_MS),
    ended() {
      child.ref()
      return ended
    }
  }
}

/** One request to the balancer, on a connection of its own. */
export const askProxy = (path: string, question: Omit<Question, 'url' | 'trust'> = {}): Promise<Answer> =>
  ask({ ...question, url: `https://${proxyHost}:${ports.proxy}${path}`, trust: operator().ca })

/** One request to the balancer's admin listener. */
export const admin = (path: string): Promise<Answer> => ask({ url: `${adminUrl}${path}`, trust: 'anything' })

/** Runs a command of the balancer against the one that runs; its output. Fails unless it ends with 0. */
export const operate = (...args: readonly string[]): Promise<string> =>
  mustRun({
    command: process.execPath,
    args: [program, ...args, '--admin', adminUrl],
    cwd: scratch(),
    logFile: scratch('logs/operate.log')
  })

/** Runs a command of the balancer that asks none that runs; its output and exit status. */
export const command = (name: string, ...args: readonly string[]): Promise<Run> =>
  run({
    command: process.execPath,
    args: [program, name, ...args],
    cwd: scratch(),
    logFile: scratch('logs', `${name}.log`)
  })

/** What the balancer says of a master: `up`, `down` … */
export async function stateOf(name: string): Promise<string | undefined> {
  const masters: readonly { readonly name: string; readonly state: string }[] = JSON.parse(
    (await admin('/api/masters')).body
  )
  return masters.find(master => master.name === name)?.state
}

function configuration({
  crl,
  ca: authority = caMaster,
  masters = compileMasters,
  pools = {},
  tcpPool,
  routes = [],
  srv,
  certificate,
  enroll,
  queueTimeout = '5m',
  drainTimeout = '10m',
  reload = 'watch'
}: Omit<ProxySettings, 'name'>): string {
  const { ca, ...own } = proxyFiles()
  const { cert, key } = certificate ?? own
  const hop = hopFiles()
  const entries = masters.map(master => {
    const name = shortName(master)
    return `  - { name: ${name}, url: "${urlOf(master)}", pools: [ ${(pools[name] ?? ['default']).join(', ')} ] }\n`
  })
  const tcp = tcpPool === undefined ? '' : `, tcp: [ { port: ${ports.tcp}, pool: ${tcpPool} } ]`
  return `listen: { host: 127.0.0.1, port: ${ports.proxy}, workers: 1, drainTimeout: ${drainTimeout}${tcp} }
${enroll === undefined ? `tls:\n  cert: ${cert}\n  key: ${key}\n  ca: ${ca}\n` : `enroll: ${enroll}\ntls:\n`}${crlLine(crl)}${srv ? `discovery: { srv: { domain: ${srv.domain}, refresh: 1s, servers: [ "${srv.server}" ] } }` : `ca: { url: "${urlOf(authority)}" }`}
masters:
${entries.join('')}routes: [ ${routes.join(', ')} ]
upstream:
  tls: { ca: ${ca}, cert: ${hop.cert}, key: ${hop.key} }
health: { interval: 1s, timeout: 1s }
access: { administrators: [ ${operatorName} ] }
admin: { port: ${ports.admin} }
queue: { timeout: ${queueTimeout} }
reload: ${reload}
`
}

/** With a directory they are fetched from the CA. */
function crlLine(crl: ProxySettings['crl']): string {
  if (!crl) return ''
  const { file, directory } = crl
  const keys = [
    ...(file === undefined ? [] : [`file: ${file}`]),
    ...(directory === undefined ? [] : ['fetch: true', `directory: ${directory}`])
  ]
  return `  crl: { ${keys.join(', ')}, refresh: 1s }\n`
}

/** Name of a master in the balancer's configuration, metrics and log. */
export const shortName = ({ name }: { readonly name: string }): string => name.replace('.example.test', '')

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, ask, type Question } from './ask.ts'
import { operator } from './authority.ts'
import { end, serves, start } from './background.ts'
import {
  caMaster,
  compileMasters,
  operatorName,
  ports,
  proxyHost,
  proxyName,
  scratch,
  sslOf,
  urlOf
} from './layout.ts'

const READY_DEADLINE_MS = 30_000
const source = join(import.meta.dirname, '../../../src/main.ts')

export interface ProxySettings {
  /** Names its configuration and its log. */
  readonly name: string
  /** File of revocation lists, read again every second; without it nobody counts as revoked. */
  readonly crlFile?: string
}

/** Starts the balancer as its README says and resolves once it is ready; the result ends it. */
export async function startProxy(settings: ProxySettings): Promise<() => Promise<void>> {
  const config = scratch('proxy', `${settings.name}.yaml`)
  writeFileSync(config, configuration(settings))
  const logFile = scratch('logs', `proxy-${settings.name}.log`)
  const { pid } = start({
    command: process.execPath,
    args: [source, 'serve', '--config', config],
    cwd: scratch(),
    logFile
  })
  await serves(pid, logFile, async () => (await admin('/readyz')).status === 200, READY_DEADLINE_MS)
  return () => end(pid)
}

/** One request to the balancer, on a connection of its own. */
export const askProxy = (path: string, question: Omit<Question, 'url' | 'trust'> = {}): Promise<Answer> =>
  ask({ ...question, url: `https://${proxyHost}:${ports.proxy}${path}`, trust: operator().ca })

/** One request to the balancer's admin listener. */
export const admin = (path: string): Promise<Answer> =>
  ask({ url: `http://127.0.0.1:${ports.admin}${path}`, trust: 'anything' })

function configuration({ crlFile }: ProxySettings): string {
  const { cert, key, ca } = sslOf(scratch('proxy'), proxyName)
  const masters = compileMasters.map(
    master => `  - { name: ${shortName(master)}, url: "${urlOf(master)}" }\n`
  )
  return `listen: { host: 127.0.0.1, port: ${ports.proxy}, workers: 1 }
tls:
  cert: ${cert}
  key: ${key}
  ca: ${ca}
${crlFile === undefined ? '' : `  crl: { file: ${crlFile}, refresh: 1s }\n`}ca: { url: "${urlOf(caMaster)}" }
masters:
${masters.join('')}upstream:
  tls: { ca: ${ca}, cert: ${cert}, key: ${key} }
health: { interval: 1s, timeout: 1s }
access: { administrators: [ ${operatorName} ] }
admin: { port: ${ports.admin} }
`
}

/** Name of a master in the balancer's configuration, metrics and log. */
export const shortName = ({ name }: { readonly name: string }): string => name.replace('.example.test', '')

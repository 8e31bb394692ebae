import { join } from 'node:path'
import { serverName } from '../material.ts'
import type { Site, SiteMaster } from './site.ts'

/** No probe of any peer has longer. */
const PROBE_TIMEOUT_MS = 1000

/** For Node, before the arguments of ours; profilers want some. */
export function puppetLbArguments(file: string): readonly string[] {
  // NODE_OPTIONS of whoever profiles goes to all Node processes; this one variable to the proxy alone.
  const flags = process.env.BENCH_NODE_FLAGS?.split(' ') ?? []
  return [...flags, join(import.meta.dirname, '../../../src/main.ts'), 'serve', '--config', file]
}

/** The defaults, but for what the job says. */
export function puppetLbConfig(site: Site): string {
  const { material, scheme, probeMs, accessLog } = site
  const master = ({ name, port, jrubies }: SiteMaster) => {
    const capacity = site.mastersTell ? '' : `, capacity: ${jrubies}`
    return `  - { name: ${name}, url: "${scheme}://127.0.0.1:${port}"${capacity} }`
  }
  return `
listen: { host: 127.0.0.1, port: ${site.port}, workers: ${site.threads} }
tls: { cert: ${material.serverCert}, key: ${material.serverKey}, ca: ${material.ca}, crl: { file: ${material.crl} } }
ca: { url: "${scheme}://127.0.0.1:${site.caPort}" }
masters:
${site.masters.map(master).join('\n')}
upstream: { tls: { serverName: ${serverName} } }
health: { interval: ${probeMs}ms, timeout: ${Math.min(probeMs, PROBE_TIMEOUT_MS)}ms }
admin: { host: 127.0.0.1, port: ${site.adminPort} }
log: { level: ${accessLog === undefined ? 'warn' : 'info'}, access: ${accessLog !== undefined} }
`
}

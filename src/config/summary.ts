import { createHash } from 'node:crypto'
import { conditionsOf } from '../model/route.ts'
import type { Boot, CertificateSettings, Config, Settings } from '../model/settings.ts'
import { formatDuration, formatSize } from './units.ts'

/** What is in force, by the keys of the file and in their order. What is not set is not there. */
export type Summary = Readonly<Record<string, string>>

/**
 * A configuration as text that anybody may see: files as their path with the begin of the SHA-256 of what was read
 * (of a key too: nobody gets a key back from that), a token as `set`. Masters go by name:
 * `masters.master-1.weight`. A list of revocations is named by its path alone, because it changes by itself.
 */
export function summaryOf({ boot, settings }: Pick<Config, 'boot' | 'settings'>): Summary {
  return printable({
    ...listenOf(boot, settings),
    ...servingOf(settings),
    ...adminOf(boot.admin),
    ...logOf(settings)
  })
}

type Entries = Readonly<Record<string, string | number | boolean | undefined>>

function listenOf({ listen }: Boot, settings: Settings): Entries {
  return {
    'listen.host': listen.host,
    'listen.port': listen.port,
    'listen.workers': listen.workers,
    'listen.drainTimeout': formatDuration(settings.listen.drainTimeoutMs),
    'listen.drainDelay': formatDuration(settings.listen.drainDelayMs),
    ...tcpOf(settings.listen.tcp),
    'listen.proxyProtocol.from': listOf(settings.listen.proxyProtocol.from),
    'listen.limits.connections': settings.listen.limits.connections,
    'listen.limits.perAddress': settings.listen.limits.perAddress,
    'listen.limits.perCertname': settings.listen.limits.perCertname,
    'listen.limits.memory': formatSize(settings.listen.limits.memoryBytes)
  }
}

/** By their ports. */
function tcpOf(listeners: Settings['listen']['tcp']): Entries {
  const entries = listeners.flatMap(({ port, pool, proxyProtocol }) => [
    [`listen.tcp.${port}.pool`, pool] as const,
    [`listen.tcp.${port}.proxyProtocol`, proxyProtocol] as const
  ])
  const ports = listeners.map(({ port }) => String(port))
  return { 'listen.tcp': listOf(ports), ...Object.fromEntries(entries) }
}

function servingOf(settings: Settings): Entries {
  const { tls, enroll, ca, discovery, health, balance, queue, access, state, reload } = settings
  return {
    'tls.cert': tls.certificates.map(certOf).join(', '),
    'tls.key': tls.certificates.map(keyOf).join(', '),
    'tls.ca': withDigest(tls.caFile, tls.ca),
    'tls.profile': tls.profile,
    'tls.crl.file': tls.crl?.file,
    'tls.crl.fetch': tls.crl?.fetch,
    'tls.crl.directory': tls.crl?.directory,
    'tls.crl.refresh': tls.crl && formatDuration(tls.crl.refreshMs),
    'tls.crl.expired': tls.crl?.expired,
    'enroll.name': enroll?.name,
    'enroll.altNames': listOf(enroll?.altNames ?? []),
    'enroll.caFingerprint': enroll?.caFingerprint,
    'enroll.keyType': enroll?.keyType,
    'enroll.dir': enroll?.directory,
    'ca.url': ca?.url,
    'ca.cache': settings.caCache,
    ...mastersOf(settings),
    ...routesOf(settings),
    'discovery.refresh': formatDuration(discovery.refreshMs),
    'discovery.srv.domain': discovery.srv?.domain,
    'discovery.srv.refresh': discovery.srv && formatDuration(discovery.srv.refreshMs),
    'discovery.srv.servers': listOf(discovery.srv?.servers ?? []),
    ...upstreamOf(settings),
    'health.path': health.path,
    'health.interval': formatDuration(health.intervalMs),
    'health.timeout': formatDuration(health.timeoutMs),
    'health.rise': health.rise,
    'health.fall': health.fall,
    'balance.policy': balance.policy,
    'balance.affinity': balance.affinity,
    'queue.limit': queue.limit,
    'queue.timeout': formatDuration(queue.timeoutMs),
    'queue.shedAbove': formatDuration(queue.shedAboveMs),
    'access.administrators': listOf(access.administrators),
    'access.withoutCertificate': access.withoutCertificate,
    'state.directory': state.directory,
    reload
  }
}

function mastersOf({ masters }: Settings): Entries {
  const entries = masters.flatMap(({ name, url, weight, priority, capacity, resolve, pools }) => [
    [`masters.${name}.url`, url] as const,
    [`masters.${name}.weight`, weight] as const,
    [`masters.${name}.priority`, priority] as const,
    [`masters.${name}.capacity`, capacity] as const,
    [`masters.${name}.resolve`, resolve] as const,
    [`masters.${name}.pools`, pools?.join(', ')] as const
  ])
  return Object.fromEntries(entries)
}

/** By their numbers, since the first that matches decides. */
function routesOf({ routes }: Settings): Entries {
  const entries = routes.map((route, index) => {
    const { pool, otherwise } = route
    const rest = otherwise === undefined ? '' : `, otherwise ${otherwise}`
    return [`routes[${index}]`, `${conditionsOf(route)}: ${pool}${rest}`] as const
  })
  return Object.fromEntries(entries)
}

function upstreamOf({ upstream }: Settings): Entries {
  const { ca, caFile, client, serverName, verify } = upstream.tls
  return {
    'upstream.tls.ca': caFile === undefined || ca === undefined ? undefined : withDigest(caFile, ca),
    'upstream.tls.cert': client && certOf(client),
    'upstream.tls.key': client && keyOf(client),
    'upstream.tls.serverName': serverName,
    'upstream.tls.dangerouslySkipVerification': !verify,
    'upstream.connectTimeout': formatDuration(upstream.connectTimeoutMs),
    'upstream.responseTimeout': formatDuration(upstream.responseTimeoutMs),
    'upstream.headerLimit': upstream.headerLimitBytes
  }
}

function adminOf(admin: Boot['admin']): Entries {
  return {
    'admin.host': admin.host,
    'admin.port': admin.port,
    'admin.hosts': listOf(admin.hosts),
    'admin.token': admin.token === undefined ? undefined : 'set',
    'admin.metricsToken': admin.metricsToken,
    'admin.socket': admin.socket
  }
}

function logOf({ log }: Settings): Entries {
  return { 'log.level': log.level, 'log.access': log.access, 'log.file': log.file?.path }
}

function certOf({ certFile, cert }: CertificateSettings): string {
  return withDigest(certFile, cert)
}

function keyOf({ keyFile, key }: CertificateSettings): string {
  return withDigest(keyFile, key)
}

function withDigest(file: string, content: string): string {
  return `${file} (sha256 ${createHash('sha256').update(content).digest('hex').slice(0, 12)})`
}

function listOf(names: readonly string[]): string | undefined {
  return names.length > 0 ? names.join(', ') : undefined
}

function printable(entries: Entries): Summary {
  return Object.fromEntries(
    Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]))
  )
}

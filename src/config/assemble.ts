import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { EnrollSettings } from '../model/enrolment.ts'
import type { AdminBoot, Boot, MasterSettings, Settings } from '../model/settings.ts'
import { anyHost } from './any-host.ts'
import type { Path } from './problems.ts'
import { routesOf } from './routes.ts'
import type { FileSettings } from './schema.ts'
import type { TlsFiles } from './tls-files.ts'

/** What a valid file says that only a restart can change. */
export function bootOf({ listen, admin }: FileSettings, token: string | undefined): Boot {
  return {
    listen: {
      host: listen.host ?? anyHost(),
      port: listen.port,
      workers: listen.workers === 'auto' ? availableParallelism() : listen.workers,
      ...(listen.tcp.length > 0 && { tcpPorts: listen.tcp.map(({ port }) => port) })
    },
    admin: adminBootOf(admin, token)
  }
}

/** The same for the admin listener alone. */
export function adminBootOf(admin: FileSettings['admin'], token: string | undefined): AdminBoot {
  const { host, port, hosts, metricsToken, socket } = admin
  return { host, port, hosts, token, metricsToken, socket }
}

/** Where the file names what is opened or read later, for whoever finds something wrong with it then. */
export interface Places {
  /** Where it has a value: `FILE:LINE:COL`. */
  readonly of: (path: Path) => string
  /** Where the file names its revocation lists, or says that they are fetched. */
  readonly crl: string
  /** Where it names the file to log to. */
  readonly logFile: string
}

/** What a file's settings are made on. */
interface Base {
  readonly places: Places
  /** Where relative paths start. */
  readonly directory: string
}

/** The rest of it, with what the files it names hold. */
export function settingsOf(file: FileSettings, tlsFiles: TlsFiles, { places, directory }: Base): Settings {
  const { listen, ca, enroll, routes, discovery, health, balance, queue, access, admin, state, reload, log } =
    file
  return {
    listen: {
      drainTimeoutMs: listen.drainTimeout,
      drainDelayMs: listen.drainDelay,
      tcp: listen.tcp.map(({ port, pool, proxyProtocol }) => ({ port, pool, proxyProtocol })),
      proxyProtocol: { from: listen.proxyProtocol?.from ?? [] },
      limits: limitsOf(listen.limits)
    },
    tls: tlsOf(file, tlsFiles, { places, directory }),
    ca: ca.url === undefined ? undefined : { url: ca.url },
    caCache: ca.cache,
    masters: mastersOf(file),
    routes: routesOf(routes, places.of),
    discovery: discoveryOf(discovery),
    upstream: upstreamOf(file, tlsFiles),
    health: {
      path: health.path,
      intervalMs: health.interval,
      timeoutMs: health.timeout,
      rise: health.rise,
      fall: health.fall
    },
    balance: {
      policy: balance.policy,
      affinity: balance.affinity ?? (balance.policy === 'least-loaded' ? 'phase' : 'none')
    },
    queue: { limit: queue.limit, timeoutMs: queue.timeout, shedAboveMs: queue.shedAbove },
    access: {
      administrators: access.administrators ?? admin.allow ?? [],
      withoutCertificate: access.withoutCertificate
    },
    state: {
      directory: state.directory === undefined ? undefined : resolve(directory, state.directory)
    },
    ...(enroll && { enroll: enrollOf(enroll, directory) }),
    reload,
    log: logOf(log, directory, places.logFile)
  }
}

function limitsOf({
  memory,
  ...connections
}: FileSettings['listen']['limits']): Settings['listen']['limits'] {
  return { ...connections, memoryBytes: memory }
}

function discoveryOf({ refresh, srv }: FileSettings['discovery']): Settings['discovery'] {
  return {
    refreshMs: refresh,
    srv: srv && { domain: srv.domain.toLowerCase(), refreshMs: srv.refresh, servers: srv.servers ?? [] }
  }
}

function tlsOf(
  { tls: { crl, profile }, state }: FileSettings,
  { certificates, ca, crlFile }: TlsFiles,
  { places, directory }: Base
): Settings['tls'] {
  const kept = crl?.directory ?? state.directory
  return {
    certificates,
    profile,
    ca: ca?.pem ?? '',
    caFile: ca?.file ?? '',
    crl: crl && {
      file: crlFile,
      fetch: crl.fetch,
      directory: kept === undefined ? undefined : resolve(directory, kept),
      refreshMs: crl.refresh,
      expired: crl.expired,
      place: places.crl
    }
  }
}

/** How a balancer enrols; `directory` is where relative paths start. */
export function enrollOf(
  { name, altNames, caFingerprint, keyType, dir }: NonNullable<FileSettings['enroll']>,
  directory: string
): EnrollSettings {
  return { name, altNames, caFingerprint, keyType, directory: resolve(directory, dir) }
}

/** Where nobody names masters, and it enrols, the CA is the one master. */
function mastersOf({ masters, ca, enroll, discovery }: FileSettings): readonly MasterSettings[] {
  if (masters.length > 0 || discovery.srv || !enroll || ca.url === undefined) return masters
  return [{ name: 'master', url: ca.url, weight: 1, priority: 0 }]
}

/** The log; `where` the file names the one to log to. */
export function logOf(
  { level, access, file }: FileSettings['log'],
  directory: string,
  where: string
): Settings['log'] {
  return { level, access, file: file === undefined ? undefined : { path: resolve(directory, file), where } }
}

function upstreamOf(
  { upstream }: FileSettings,
  { ca, upstreamCa, upstreamClient }: TlsFiles
): Settings['upstream'] {
  return {
    tls: {
      ca: upstreamCa?.pem ?? ca?.pem ?? '',
      caFile: upstreamCa?.file,
      client: upstreamClient,
      serverName: upstream.tls.serverName,
      verify: !upstream.tls.dangerouslySkipVerification
    },
    connectTimeoutMs: upstream.connectTimeout,
    responseTimeoutMs: upstream.responseTimeout,
    headerLimitBytes: upstream.headerLimit
  }
}

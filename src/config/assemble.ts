import { availableParallelism } from 'node:os'
import type { AdminBoot, Boot, Settings } from '../model/settings.ts'
import type { FileSettings } from './schema.ts'
import type { TlsFiles } from './tls-files.ts'

/** What a valid file says that only a restart can change. */
export function bootOf({ listen, admin }: FileSettings, token: string | undefined): Boot {
  return {
    listen: {
      host: listen.host,
      port: listen.port,
      workers: listen.workers === 'auto' ? availableParallelism() : listen.workers
    },
    admin: adminBootOf(admin, token)
  }
}

/** The same for the admin listener alone. */
export function adminBootOf(admin: FileSettings['admin'], token: string | undefined): AdminBoot {
  const { host, port, hosts, metricsToken, socket } = admin
  return { host, port, hosts, token, metricsToken, socket }
}

/** The rest of it, with what the files it names hold. `crlPlace` is where the file names its revocation lists. */
export function settingsOf(file: FileSettings, tlsFiles: TlsFiles, crlPlace: string): Settings {
  const { listen, ca, masters, health, balance, queue, access, admin, reload, log } = file
  return {
    listen: { drainTimeoutMs: listen.drainTimeout },
    tls: tlsOf(file, tlsFiles, crlPlace),
    ca,
    masters,
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
    access: { administrators: access.administrators ?? admin.allow ?? [] },
    reload,
    log
  }
}

function tlsOf(
  { tls: { crl } }: FileSettings,
  { certificates, ca, crlFile }: TlsFiles,
  place: string
): Settings['tls'] {
  return {
    certificates,
    ca: ca?.pem ?? '',
    caFile: ca?.file ?? '',
    crl:
      crl && crlFile !== undefined
        ? { file: crlFile, refreshMs: crl.refresh, expired: crl.expired, place }
        : undefined
  }
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
    responseTimeoutMs: upstream.responseTimeout
  }
}

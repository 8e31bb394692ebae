import { X509Certificate } from 'node:crypto'
import type { Server as HttpsServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { type AskedName, maxAskedNames } from '../../model/asked-name.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { CertificateSettings } from '../../model/settings.ts'

/** Names that clients send in their handshake and that no certificate here has: under them agents refuse to talk to us. */
export interface AskedNames {
  readonly all: () => readonly AskedName[]
  /** Those in force from now on; what they have is forgotten. */
  readonly setCertificates: (certificates: readonly Pick<CertificateSettings, 'cert'>[]) => void
}

/** What a host may be called (RFC 952, and `_` that some use); all else is noise of strangers, and stays out of logs. */
const hostName = /^[a-z0-9_](?:[a-z0-9_.-]{0,252})$/i

/** Listens to the handshakes of a server, those included that come to nothing. Costs each the comparison of one name. */
export function watchAskedNames(
  server: HttpsServer,
  certificates: readonly Pick<CertificateSettings, 'cert'>[],
  { wallClock }: Pick<Runtime, 'wallClock'>
): AskedNames {
  let leaves = leavesOf(certificates)
  const seen = new Map<string, { handshakes: number; failed: number; lastMs: number }>()
  const isCovered = (name: string) => leaves.some(leaf => leaf.checkHost(name) !== undefined)

  function note(socket: TLSSocket, hasFailed: boolean): void {
    const { servername } = socket as { readonly servername?: string | false | null }
    if (typeof servername !== 'string' || isCovered(servername) || !hostName.test(servername)) return
    const name = servername.toLowerCase()
    let entry = seen.get(name)
    if (!entry) {
      if (seen.size >= maxAskedNames) forgetRarest()
      entry = { handshakes: 0, failed: 0, lastMs: 0 }
      seen.set(name, entry)
    }
    entry.handshakes++
    if (hasFailed) entry.failed++
    entry.lastMs = wallClock()
  }

  /** A stranger who invents names pushes out others that came as seldom, and none that agents use. */
  function forgetRarest(): void {
    const [rarest] = [...seen].sort(([, a], [, b]) => a.handshakes - b.handshakes || a.lastMs - b.lastMs)
    if (rarest) seen.delete(rarest[0])
  }

  server.on('secureConnection', socket => note(socket, false))
  server.on('tlsClientError', (_error, socket) => note(socket, true))
  return {
    all: () =>
      [...seen].map(([name, { handshakes, failed, lastMs }]) => ({
        ...{ name, handshakes, failed },
        lastSeen: new Date(lastMs).toISOString()
      })),
    setCertificates(next) {
      leaves = leavesOf(next)
      for (const name of seen.keys()) if (isCovered(name)) seen.delete(name)
    }
  }
}

function leavesOf(certificates: readonly Pick<CertificateSettings, 'cert'>[]): readonly X509Certificate[] {
  return certificates.map(({ cert }) => new X509Certificate(cert))
}

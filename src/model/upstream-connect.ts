import type { buildConnector } from 'undici'
import type { UpstreamConfig } from '../config/config.ts'

/**
 * How a connection to a master is made, for probes and for requests alike, so that what a probe proves holds for
 * requests. The certificate is verified unless the file says otherwise; HTTP/1.1 only (Jetty would accept h2).
 */
export function connectOptions(upstream: UpstreamConfig): buildConnector.BuildOptions {
  const { ca, client, serverName, verify } = upstream.tls
  return {
    timeout: upstream.connectTimeoutMs,
    allowH2: false,
    rejectUnauthorized: verify,
    ...(ca && { ca }),
    ...(client && { cert: client.cert, key: client.key }),
    ...(serverName && { servername: serverName })
  }
}

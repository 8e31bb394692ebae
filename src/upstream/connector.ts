import { buildConnector } from 'undici'
import type { UpstreamSettings } from '../model/settings.ts'

/**
 * How a connection to a master is made, for probes and for requests alike, so that what a probe proves holds for
 * requests. The certificate is verified unless the file says otherwise; HTTP/1.1 only (Jetty would accept h2).
 */
export function createConnector(upstream: UpstreamSettings): buildConnector.connector {
  const { ca, client, serverName, verify } = upstream.tls
  const connect = buildConnector({
    timeout: upstream.connectTimeoutMs,
    allowH2: false,
    rejectUnauthorized: verify,
    ...(ca && { ca }),
    ...(client && { cert: client.cert, key: client.key })
  })
  if (serverName === undefined) return connect
  // For a request undici would take the name in its Host header, whatever name it was built with.
  return (options, done) => connect({ ...options, servername: serverName }, done)
}

import { Pool } from 'undici'
import type { UpstreamConfig } from '../model/settings.ts'
import type { Master } from '../model/snapshot.ts'
import { createConnector } from './connector.ts'

/** Jetty closes a connection that was idle for 30 s; ours must be gone well before, lest a request meets the close. */
const IDLE_MS = 15_000

/** A master as the data plane reaches it: one pool of connections. */
export interface Upstream {
  readonly master: Master
  readonly pool: Pool
  /** What goes into Host: the master's own name, never the one the agent asked for. */
  readonly host: string
}

/** One request a connection at a time, as many connections as there are requests; queueing is not the pool's job. */
export function createUpstream(master: Master, config: UpstreamConfig): Upstream {
  const pool = new Pool(master.url, {
    connect: createConnector(config),
    connections: null,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    headersTimeout: config.responseTimeoutMs,
    bodyTimeout: config.responseTimeoutMs
  })
  return { master, pool, host: hostOf(new URL(master.url), config.tls.serverName) }
}

/** Host and SNI name the same server: a master may refuse a pair that differs. */
function hostOf({ protocol, host, port }: URL, serverName: string | undefined): string {
  if (serverName === undefined || protocol !== 'https:') return host
  return port === '' ? serverName : `${serverName}:${port}`
}

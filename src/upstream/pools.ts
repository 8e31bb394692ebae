import { isDeepStrictEqual } from 'node:util'
import { Pool } from 'undici'
import type { Master } from '../model/master.ts'
import type { Runtime } from '../model/runtime.ts'
import type { UpstreamSettings } from '../model/settings.ts'
import { createConnector, type Descriptors, withinDescriptors } from './connector.ts'
import { createRoute } from './route.ts'

/** Jetty closes a connection that was idle for 30 s; ours must be gone well before, lest a request meets the close. */
const IDLE_MS = 15_000

/** A master as the data plane reaches it: one pool of connections. */
export interface Upstream {
  readonly pool: Pool
  /** What goes into Host: the master's own name, never the one the agent asked for. */
  readonly host: string
}

/** The pools of a worker's connections to masters, by the masters' ids. */
export interface Pools {
  readonly of: (master: Master) => Upstream
  /**
   * From now on connections are made like this. What is under way on the old ones ends in peace; nothing happens to
   * them when nothing has changed.
   */
  readonly configure: (settings: UpstreamSettings) => void
  /**
   * Gives up the connections to all other masters, once what is under way there has ended, and those to masters that
   * have lost an address: nobody can tell which of them led there.
   */
  readonly retain: (masters: readonly Master[]) => void
  /** Cuts everything. */
  readonly destroy: () => Promise<void>
}

/** What the pool of one master goes by. */
interface Entry extends Upstream {
  addresses: readonly string[]
}

export function createPools(
  first: UpstreamSettings,
  descriptors: Descriptors,
  runtime: Pick<Runtime, 'schedule' | 'wallClock'>
): Pools {
  let settings = first
  const upstreams = new Map<number, Entry>()
  /** Closed, with requests that still run. */
  const closing = new Set<Pool>()

  /** One request a connection at a time, as many connections as there are requests; queueing is not the pool's job. */
  function open({ url, addresses }: Master): Entry {
    const route = createRoute(() => entry.addresses)
    const pool = new Pool(url, {
      connect: withinDescriptors(createConnector(settings, route, runtime), descriptors),
      connections: null,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      headersTimeout: settings.responseTimeoutMs,
      bodyTimeout: settings.responseTimeoutMs
    })
    const entry: Entry = { pool, host: hostOf(new URL(url), settings.tls.serverName), addresses }
    return entry
  }

  function close(id: number, { pool }: Upstream): void {
    upstreams.delete(id)
    closing.add(pool)
    const forget = () => void closing.delete(pool)
    pool.close().then(forget, forget)
  }

  return {
    of(master) {
      const known = upstreams.get(master.id)
      if (known) return known
      const upstream = open(master)
      upstreams.set(master.id, upstream)
      return upstream
    },
    configure(next) {
      if (isDeepStrictEqual(next, settings)) return
      settings = next
      for (const [id, upstream] of upstreams) close(id, upstream)
    },
    retain(masters) {
      const members = new Map(masters.map(({ id, addresses }) => [id, addresses]))
      for (const [id, upstream] of upstreams) {
        const addresses = members.get(id)
        if (addresses && upstream.addresses.every(each => addresses.includes(each)))
          upstream.addresses = addresses
        else close(id, upstream)
      }
    },
    async destroy() {
      const pools = [...closing, ...[...upstreams.values()].map(({ pool }) => pool)]
      await Promise.all(pools.map(pool => pool.destroy()))
    }
  }
}

/** Host and SNI name the same server: a master may refuse a pair that differs. */
function hostOf({ protocol, host, port }: URL, serverName: string | undefined): string {
  if (serverName === undefined || protocol !== 'https:') return host
  return port === '' ? serverName : `${serverName}:${port}`
}

import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import type { Entrance, Guest } from './entrance.ts'
import { handshakeCause } from './handshake-end.ts'
import { type HeaderFault, readHeader } from './header-reader.ts'
import { plainAddress } from './network.ts'
import { createNetworks } from './networks.ts'
import type { ProxyHeader } from './proxy-protocol.ts'
import { createSeldom } from './seldom.ts'

/** A connection at its begin. */
export interface Visitor extends Guest {
  /** Address of its client, as people know it: that of the socket, until a header names another one. */
  remote: string
}

/**
 * Lets connections in before anything else is done for them, the TLS handshake included: within the limits, and with the
 * address of their client. One that is not let in costs an accept and a close.
 */
export interface Reception {
  /**
   * `visitor` makes what is known of the connection, and sees to it that its close is heard of. `proceed` is called once it is let in, at once unless a header is due;
   * `header` is the one that was read.
   */
  readonly receive: <Kind extends Visitor>(
    socket: Socket,
    visitor: (remote: string) => Kind,
    proceed: (visitor: Kind, header: ProxyHeader | undefined) => void
  ) => void
  /**
   * Somebody who owes no header began with what is no TLS. Whether that was a header nobody can tell any more, but that
   * is what it is most of the time: the log says so now and then.
   */
  readonly refusedAsNoTls: (remote: string) => void
  /** A TLS handshake with somebody failed: the log says so now and then, since a metric names nobody. */
  readonly handshakeFailed: (remote: string, error: NodeJS.ErrnoException) => void
  /** From now on these settings say who must begin with a header. */
  readonly configure: (settings: Pick<Settings, 'listen'>) => void
}

export interface ReceptionDeps {
  readonly entrance: Pick<Entrance, 'enter' | 'settle'>
  readonly settings: Pick<Settings, 'listen'>
  readonly metrics: Pick<TrafficMetrics, 'proxyHeadersRefused'>
  /** For the header. */
  readonly timeoutMs: number
  readonly runtime: Pick<Runtime, 'schedule' | 'now'>
  readonly log: Pick<Logger, 'info' | 'warn'>
}

const sentences: Readonly<Record<HeaderFault, string>> = {
  absent:
    'it begins otherwise; send-proxy or send-proxy-v2 is missing there, or its address does not belong into from',
  malformed: 'it is not as the protocol says',
  'too-long': 'it is longer than 107 bytes in version 1, or 4096 in version 2',
  checksum: 'its checksum is wrong',
  timeout: 'it did not come in time'
}

export function createReception(deps: ReceptionDeps): Reception {
  const { entrance, metrics, timeoutMs, log } = deps
  const { schedule, now } = deps.runtime
  const seldom = createSeldom<HeaderFault | 'no-tls' | 'handshake'>(now)
  let { from } = deps.settings.listen.proxyProtocol
  let mustTell = createNetworks(from)

  function refuse(fault: HeaderFault, balancer: string): void {
    metrics.proxyHeadersRefused.inc({ reason: fault })
    seldom(fault, count =>
      log.warn(
        { balancer, refused: count, cause: sentences[fault] },
        'connections of a network of listen.proxyProtocol.from are refused for their PROXY header'
      )
    )
  }

  return {
    receive(socket, make, proceed) {
      const { remoteAddress } = socket
      // Without an address it has gone already.
      if (remoteAddress === undefined) {
        socket.destroy()
        return
      }
      const remote = plainAddress(remoteAddress)
      const isDue = mustTell?.(remote) ?? false
      const visitor = make(remote)
      if (!entrance.enter(visitor, isDue ? undefined : remote)) {
        visitor.dismiss()
        return
      }
      if (!isDue) {
        proceed(visitor, undefined)
        return
      }
      readHeader(socket, { schedule, timeoutMs }, read => {
        if (typeof read === 'string') {
          refuse(read, remote)
          visitor.dismiss()
          return
        }
        visitor.remote = read.ends?.source.address ?? remote
        if (entrance.settle(visitor, visitor.remote)) proceed(visitor, read)
        else visitor.dismiss()
      })
    },
    refusedAsNoTls(remote) {
      seldom('no-tls', refused =>
        log.warn(
          { remote, refused },
          'connections begin with what is no TLS: if that is a PROXY header, whoever sends it belongs into ' +
            'listen.proxyProtocol.from'
        )
      )
    },
    handshakeFailed(remote, error) {
      const { code } = error
      seldom('handshake', failed =>
        log.info({ remote, failed, code, cause: handshakeCause(error) }, 'TLS handshakes with agents fail')
      )
    },
    configure({ listen }) {
      if (listen.proxyProtocol.from === from) return
      from = listen.proxyProtocol.from
      mustTell = createNetworks(from)
    }
  }
}

import type { Logger } from 'pino'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { tenths } from '../request-record.ts'
import type { Passage } from './passage.ts'

/** What is counted and logged of connections that are passed on. */
export interface PassageBooks {
  /** Its state is to be this one. */
  readonly move: (passage: Passage, state: 'connecting' | 'open') => void
  /** Counts the bytes that have passed since the last time. */
  readonly count: (passage: Passage) => void
  /** It is over. One on which its agent said nothing leaves no trace. */
  readonly end: (passage: Passage) => void
}

export function createPassageBooks({
  metrics,
  settings,
  runtime,
  log
}: {
  readonly metrics: Pick<TrafficMetrics, 'tcpConnections' | 'tcpConnectionsTotal' | 'tcpBytes'>
  readonly settings: () => Settings
  readonly runtime: Pick<Runtime, 'now'>
  readonly log: Logger
}): PassageBooks {
  const inState = ({ port, state }: Passage, change: number) => {
    if (state === 'connecting' || state === 'open')
      metrics.tcpConnections.inc({ port: String(port), state }, change)
  }

  function count(passage: Passage): void {
    if (passage.state !== 'open') return
    const { bytes, counted, port } = passage
    for (const direction of ['in', 'out'] as const)
      metrics.tcpBytes.inc({ port: String(port), direction }, bytes[direction] - counted[direction])
    passage.counted = bytes
  }

  return {
    move(passage, state) {
      inState(passage, -1)
      metrics.tcpConnections.inc({ port: String(passage.port), state }, 1)
    },
    count,
    end(passage) {
      if (passage.state === 'silent') return
      count(passage)
      inState(passage, -1)
      const { port, remote, tried, startedAtMs, bytes, end = 'complete' } = passage
      const master = passage.upstream ? (passage.master?.name ?? '') : ''
      metrics.tcpConnectionsTotal.inc({ port: String(port), master, end })
      if (!settings().log.access) return
      log.info(
        {
          ...{ remote, port, master, attempts: tried.length },
          durationMs: tenths(runtime.now() - startedAtMs),
          ...{ bytesIn: bytes.in, bytesOut: bytes.out, end }
        },
        'connection'
      )
    }
  }
}

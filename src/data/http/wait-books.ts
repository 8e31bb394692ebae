import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { countedPool } from '../request-record.ts'
import type { Exchange } from './exchange.ts'

/** The books on a request's waits: when it waits, for how long, and whether its agent is still there. */
export interface WaitBooks {
  readonly begin: () => void
  /** It did not end with that: from now on its agent is listened to. Says that it has left already. */
  readonly listen: () => void
  /** However a wait ends, it counts: served, sent away, or given up by the agent. More than once is as good as once. */
  readonly end: () => void
}

export function createWaitBooks(
  exchange: Exchange,
  {
    now,
    metrics
  }: {
    readonly now: () => number
    readonly metrics: Pick<TrafficMetrics, 'queueDuration' | 'poolQueueDuration'>
  }
): WaitBooks {
  const { request, response, record } = exchange
  let isListening = false
  // An agent that ended its side while it waited is taken for one that left, for nearly always it did.
  const hangUp = () => response.destroy()
  return {
    begin() {
      record.waitsSinceMs = now()
    },
    listen() {
      // It may have ended its side before, while an earlier request of the connection was served.
      if (request.socket.readableEnded) {
        hangUp()
        return
      }
      isListening = true
      request.socket.once('end', hangUp)
    },
    end() {
      if (isListening) request.socket.removeListener('end', hangUp)
      isListening = false
      if (record.waitsSinceMs === undefined) return
      const waitedMs = now() - record.waitsSinceMs
      record.waitsSinceMs = undefined
      exchange.queueMs += waitedMs
      metrics.queueDuration.observe({ class: exchange.class }, waitedMs / 1000)
      const pool = countedPool(record)
      if (pool !== undefined) metrics.poolQueueDuration.observe({ pool }, waitedMs / 1000)
    }
  }
}

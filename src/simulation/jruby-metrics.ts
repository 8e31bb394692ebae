import type { Borrower, JrubyPool } from './jruby-pool.ts'

/**
 * The `experimental` part of Puppet Server's `jruby-metrics` status at level `debug`, with its field names
 * (`jruby_metrics_core.clj`). The two sampled averages are the values of this moment.
 */
export function jrubyMetrics(
  pool: JrubyPool,
  times: { readonly wallClockMs: number; readonly upMs: number }
) {
  const counts = pool.counts()
  const borrowed = pool.borrowed()
  const waiting = pool.waiting()
  const timers = [...counts.timers]
  const totalMs = timers.reduce((sum, [, timer]) => sum + timer.totalMs, 0)
  const maxMs = timers.reduce((max, [, timer]) => Math.max(max, timer.maxMs), 0)
  const timer = ({ count, totalMs, maxMs }: { count: number; totalMs: number; maxMs: number }) => ({
    count,
    mean: mean(totalMs, count),
    max: Math.round(maxMs),
    rate: times.upMs > 0 ? count / (times.upMs / 1000) : 0
  })
  const instance = ({ uri, method, routeId, sinceMs }: Borrower) => ({
    'duration-millis': Math.round(times.wallClockMs - sinceMs),
    reason: { request: { uri, 'request-method': method.toLowerCase(), 'route-id': routeId } },
    time: sinceMs
  })
  return {
    'jruby-pool-lock-status': { 'current-state': ':not-in-use', 'last-change-time': isoTime(times) },
    metrics: {
      'num-jrubies': pool.size,
      'num-free-jrubies': pool.size - borrowed.length,
      'requested-count': counts.requested,
      'borrow-count': counts.borrowed,
      'borrow-timeout-count': 0,
      'borrow-retry-count': 0,
      'return-count': counts.returned,
      'average-requested-jrubies': waiting.length,
      'average-free-jrubies': pool.size - borrowed.length,
      'average-borrow-time': mean(totalMs, counts.returned),
      'average-wait-time': mean(counts.waitedMs, counts.borrowed),
      'borrow-timers': Object.fromEntries([
        ['total', timer({ count: counts.returned, totalMs, maxMs })],
        ...timers.map(([routeId, each]) => [routeId, timer(each)])
      ]),
      'requested-instances': waiting.map(instance),
      'borrowed-instances': borrowed.map(instance),
      'num-pool-locks': 0,
      'average-lock-wait-time': 0,
      'average-lock-held-time': 0,
      'queue-limit-hit-count': 0,
      'queue-limit-hit-rate': 0
    }
  }
}

function isoTime({ wallClockMs, upMs }: { wallClockMs: number; upMs: number }): string {
  return new Date(wallClockMs - upMs).toISOString()
}

function mean(total: number, count: number): number {
  return count === 0 ? 0 : Math.round(total / count)
}

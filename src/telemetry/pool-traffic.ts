import { Counter, Histogram, type Registry } from 'prom-client'

/**
 * What a data plane counts by pool, of which there are eight at most. Requests that no route was looked for have no
 * pool: where there are no routes all of it is absent. In metrics of their own, so that those without a pool keep their
 * labels.
 *
 * @param buckets of the histogram, in seconds
 */
export function createPoolTraffic(registry: Registry, buckets: number[]) {
  const registers = [registry]
  return {
    poolRequests: new Counter({
      name: 'puppet_lb_pool_requests_total',
      help: 'Requests ended, by the pool whose masters they were for and status code. Absent without routes.',
      labelNames: ['pool', 'code'] as const,
      registers
    }),
    poolQueueDuration: new Histogram({
      name: 'puppet_lb_pool_queue_seconds',
      help: 'How long requests waited for a JRuby of a pool, or for its masters that were away. Absent without routes.',
      labelNames: ['pool'] as const,
      buckets,
      registers
    }),
    poolShed: new Counter({
      name: 'puppet_lb_pool_shed_total',
      help: 'Requests for a pool answered "not now" by the balancer, by reason. Absent without routes.',
      labelNames: ['pool', 'reason'] as const,
      registers
    })
  }
}

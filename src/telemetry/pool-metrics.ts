import { Gauge, type Registry } from 'prom-client'
import type { PoolStatus } from '../model/status.ts'

/** What is known of pools when it is scraped. */
export interface PoolFacts {
  /** None where all masters are in the default pool. */
  readonly pools: () => readonly PoolStatus[]
}

/** By pool, of which there are eight at most. Absent where all masters are in the default pool. */
export function createPoolMetrics(registry: Registry, { pools }: PoolFacts): void {
  const registers = [registry]
  new Gauge({
    name: 'puppet_lb_pool_queue_depth',
    help: 'Requests that wait for the masters of a pool, by rank. Absent where all masters are in the default pool.',
    labelNames: ['pool', 'class'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, queue } of pools()) {
        for (const [rank, depth] of Object.entries(queue)) this.set({ pool: name, class: rank }, depth)
      }
    }
  })
  new Gauge({
    name: 'puppet_lb_pool_masters_up',
    help: 'Masters of a pool that are up and take new runs. Absent where all masters are in the default pool.',
    labelNames: ['pool'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, up } of pools()) this.set({ pool: name }, up)
    }
  })
}

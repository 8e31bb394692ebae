import { Gauge, type Registry } from 'prom-client'
import type { PoolCapacity } from '../model/capacity.ts'

/** What is known of the pools' capacity when it is scraped. */
export interface CapacityFacts {
  /** One of each pool, of which there are eight at most. */
  readonly poolCapacity: () => readonly PoolCapacity[]
}

/** By pool. Each is absent while it is not known. */
export function createCapacityMetrics(registry: Registry, { poolCapacity }: CapacityFacts): void {
  const gauges = [
    {
      name: 'utilization',
      help: 'Share of the JRubies of a pool that were at work in the last half hour, for anybody.',
      of: ({ utilization }: PoolCapacity) => utilization
    },
    {
      name: 'full_utilization',
      help: 'The utilization at which a pool is full, by the compile times of its agents. Absent while too few runs were seen.',
      of: ({ full }: PoolCapacity) => full
    },
    {
      name: 'headroom_agents',
      help: 'How many more agents a pool could take at their run interval; below 0: so many are too many. Absent while it is not known.',
      of: ({ headroomAgents }: PoolCapacity) => headroomAgents
    },
    {
      name: 'headroom_without_one_agents',
      help: 'The same if that master of the pool were gone that would be missed most. Absent while it is not known, or if nobody would be left.',
      of: worstHeadroom
    }
  ]
  for (const { name, help, of } of gauges)
    new Gauge({
      name: `puppet_lb_${name}`,
      help,
      labelNames: ['pool'] as const,
      registers: [registry],
      collect() {
        this.reset()
        for (const each of poolCapacity()) {
          const value = of(each)
          if (value !== null) this.set({ pool: each.pool }, value)
        }
      }
    })
}

function worstHeadroom({ without }: PoolCapacity): number | null {
  const known = without.flatMap(({ headroomAgents }) => headroomAgents ?? [])
  return known.length < without.length || known.length === 0 ? null : Math.min(...known)
}

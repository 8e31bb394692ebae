import { Gauge, type Registry } from 'prom-client'
import type { CodeStatus } from '../model/code.ts'

/** What is known of the masters' code when it is scraped. */
export interface CodeFacts {
  /** One of each environment, of which there are a hundred at most. */
  readonly code: () => readonly CodeStatus[]
}

/** By environment, as far as catalogs that passed lately say which code they were made of. */
export function createCodeMetrics(registry: Registry, { code }: CodeFacts): void {
  const registers = [registry]
  new Gauge({
    name: 'puppet_lb_code_versions',
    help: 'Different versions of an environment that masters serve at the same time. Absent while none is known.',
    labelNames: ['environment'] as const,
    registers,
    collect() {
      this.reset()
      for (const { environment, versions } of code()) if (versions > 0) this.set({ environment }, versions)
    }
  })
  new Gauge({
    name: 'puppet_lb_code_differs_since_timestamp_seconds',
    help: 'Since when masters serve different versions of an environment. Absent while they do not.',
    labelNames: ['environment'] as const,
    registers,
    collect() {
      this.reset()
      for (const { environment, differsSince } of code())
        if (differsSince !== null) this.set({ environment }, Date.parse(differsSince) / 1000)
    }
  })
}

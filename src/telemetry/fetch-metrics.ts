import { Counter, Gauge, type Registry } from 'prom-client'

/** What is known of the CA as a source of revocation lists; `undefined` when it is not asked. */
export interface FetchFacts {
  readonly crlFetch: () =>
    | {
        /** Milliseconds since 1970; `undefined`: not yet. */
        readonly answeredAtMs: number | undefined
        /** By what kept the CA from giving them, of a bounded set. */
        readonly failures: ReadonlyMap<string, number>
      }
    | undefined
}

/** How asking the CA for revocation lists goes. */
export function createFetchMetrics(registry: Registry, { crlFetch }: FetchFacts): void {
  const registers = [registry]
  new Gauge({
    name: 'puppet_lb_crl_fetch_success_timestamp_seconds',
    help: 'When the CA last gave revocation lists that were taken, or said that it has no others. Absent until then.',
    registers,
    collect() {
      this.remove()
      const at = crlFetch()?.answeredAtMs
      if (at !== undefined) this.set(at / 1000)
    }
  })
  new Counter({
    name: 'puppet_lb_crl_fetch_failures_total',
    help: 'Questions to the CA for revocation lists that it did not answer with any, by cause as of puppet_lb_probe_failures_total, or `too-long` (above 24 MiB: ship a file), or `infrastructure` (its short list).',
    labelNames: ['cause'] as const,
    registers,
    collect() {
      this.reset()
      for (const [cause, count] of crlFetch()?.failures ?? []) this.inc({ cause }, count)
    }
  })
}

import { Counter, Gauge, type Registry } from 'prom-client'

const PREFIX = 'puppet_lb_'

/** Who reaches us and whom we reach, as the control plane knows it at the moment of a scrape. */
export interface ReachFacts {
  /** Connections of agents, by state. */
  readonly connections: () => Readonly<Record<'handshake' | 'idle' | 'active' | 'tcp', number>>
  /** Bad probes since the start, those that did not count included. */
  readonly probeFailures: () => readonly {
    readonly master: string
    readonly fault: string
    readonly count: number
  }[]
  /** Ejections since the start. */
  readonly ejections: () => readonly {
    readonly master: string
    readonly fault: string
    readonly count: number
  }[]
}

/** Connections of agents, and probes of masters that failed. */
export function createReachMetrics(registry: Registry, facts: ReachFacts): void {
  const registers = [registry]
  new Gauge({
    name: `${PREFIX}connections`,
    help: 'Connections of agents: in their TLS `handshake`, `idle`, `active` with a request, or `tcp` for raw TCP.',
    labelNames: ['state'] as const,
    registers,
    collect() {
      for (const [state, count] of Object.entries(facts.connections())) this.set({ state }, count)
    }
  })
  new Counter({
    name: `${PREFIX}probe_failures_total`,
    help: 'Bad probes, by what went wrong: `refused`, `unreachable`, `dns`, `connect-timeout`, `handshake-timeout`, `timeout` (taken and not answered), `reset`, `closed`, `tls-verify` (its certificate), `tls-client-certificate` (it refuses ours), `tls-handshake`, `not-tls`, `tls-wanted` (the URL says http), `not-http`, `status-3xx`, `status-4xx`, `status-5xx`, `status`, `body`, `other`. `own-fault` does not count against the master.',
    labelNames: ['master', 'cause'] as const,
    registers,
    collect() {
      this.reset()
      for (const { master, fault, count } of facts.probeFailures()) this.inc({ master, cause: fault }, count)
    }
  })
  new Counter({
    name: `${PREFIX}ejections_total`,
    help: 'Times the master was ejected: for `connects` that failed, or for `catalogs` or any `requests` that it failed more than others.',
    labelNames: ['master', 'fault'] as const,
    registers,
    collect() {
      this.reset()
      for (const { master, fault, count } of facts.ejections()) this.inc({ master, fault }, count)
    }
  })
}

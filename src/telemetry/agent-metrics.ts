import { Gauge, type Registry } from 'prom-client'

const PREFIX = 'puppet_lb_'

/** How many agents there are, by what they have in common; the keys are labels, and bounded. */
export interface AgentCensus {
  /** By the time within which they were seen. */
  readonly seen: ReadonlyMap<string, number>
  /** By the time within which their certificates end. */
  readonly expiring: ReadonlyMap<string, number>
  /** By major and minor version of Puppet. */
  readonly versions: ReadonlyMap<string, number>
}

/** What the control plane knows of agents at the moment of a scrape. */
export interface AgentFacts {
  readonly agents: () => AgentCensus
}

/** Gauges of how many agents there are. Their certnames are no labels: there may be 100,000, and they are nobody's business. */
export function createAgentMetrics(registry: Registry, { agents }: AgentFacts): void {
  const gauges = [
    {
      name: 'agents_seen',
      help: 'Agents that made a run within `1h`, `1d` or `7d`.',
      label: 'window',
      of: 'seen'
    },
    {
      name: 'agent_certificates_expiring',
      help: 'Agents seen within 7 days whose certificate ends within `7d`, `30d` or `90d`, or has ended.',
      label: 'within',
      of: 'expiring'
    },
    {
      name: 'agent_versions',
      help: 'Agents seen within 7 days, by major and minor version of their Puppet: the 30 most frequent, `other` and `unknown`.',
      label: 'version',
      of: 'versions'
    }
  ] as const
  for (const { name, help, label, of } of gauges)
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset()
        for (const [value, count] of agents()[of]) this.set({ [label]: value }, count)
      }
    })
}

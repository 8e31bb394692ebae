import { Counter, Gauge, type Registry } from 'prom-client'
import { type MemberSource, memberSources } from '../model/master.ts'

const PREFIX = 'puppet_lb_'

/** A master or the CA, which is called `ca`. */
export interface Member {
  readonly name: string
  readonly source: MemberSource
  /** False for one that has left and ends its work. */
  readonly isMember: boolean
}

/** Where masters come from, as the control plane knows it at the moment of a scrape. */
export interface SourceFacts {
  readonly masters: () => readonly Member[]
  /** Lookups since the start that came to nothing, of each name that is looked up. */
  readonly dnsFailures: () => readonly { readonly name: string; readonly count: number }[]
}

/** Members by their source, and names that could not be looked up. */
export function createSourceMetrics(registry: Registry, facts: SourceFacts): void {
  const registers = [registry]
  new Gauge({
    name: `${PREFIX}roster_members`,
    help: 'Compile masters that are members, by what names them: `file`, `srv` or `addresses`.',
    labelNames: ['source'] as const,
    registers,
    collect() {
      const members = facts.masters().filter(({ isMember, name }) => isMember && name !== 'ca')
      for (const source of memberSources) {
        this.set({ source }, members.filter(each => each.source === source).length)
      }
    }
  })
  new Counter({
    name: `${PREFIX}dns_failures_total`,
    help: 'Lookups of a name that came to an error, to silence or to an empty answer. What was known of it stays in force.',
    labelNames: ['name'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, count } of facts.dnsFailures()) this.inc({ name }, count)
    }
  })
}

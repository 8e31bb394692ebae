import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'

/** How the runs of a fleet went. */
export interface FleetCount {
  runs: number
  /** Runs that failed although their agent was not revoked, with what they said. */
  readonly failures: string[]
  /** Reports that no master took. Puppet logs them and goes on, as its `configurer.rb` says. */
  reportsLost: number
  /** Runs whose connection ended without an answer while a worker died, by what their agents said. */
  readonly cut: Record<string, number>
  /** Runs of revoked agents that were refused, as they must be. */
  refused: number
  /** Runs of agents revoked for longer than the balancer may take to read it, which went through all the same. */
  letIn: number
}

export interface Fleet {
  readonly count: FleetCount
  /** From now on its runs must be refused, once the balancer has had `graceMs` to read the list. */
  readonly revoke: (index: number, graceMs: number) => void
  /** A worker is about to be killed: whoever gets no answer within this time had its connection there. */
  readonly workerDies: (withinMs: number) => void
  readonly stop: () => Promise<void>
}

/** Enrolled agents, each with one run after the other. */
export function startFleet(
  target: { readonly port: number; readonly ca: string },
  identities: readonly IssuedCertificate[]
): Fleet {
  const count: FleetCount = { runs: 0, failures: [], reportsLost: 0, cut: {}, refused: 0, letIn: 0 }
  const refusedFromMs = new Map<number, number>()
  let isOver = false
  let dyingUntilMs = Number.NEGATIVE_INFINITY

  async function runOnce(index: number, { certname, chain, key }: IssuedCertificate): Promise<void> {
    const beganMs = performance.now()
    const run = await runAgent({
      host: '127.0.0.1',
      port: target.port,
      servername: 'puppet',
      ca: target.ca,
      identity: { cert: chain, key },
      certname
    })
    const revokedFromMs = refusedFromMs.get(index)
    const { failure } = run
    count.runs++
    if (revokedFromMs !== undefined) {
      if (failure) count.refused++
      else if (beganMs > revokedFromMs) count.letIn++
    } else if (failure && failure.status === undefined && performance.now() < dyingUntilMs) {
      count.cut[failure.message] = (count.cut[failure.message] ?? 0) + 1
    } else if (failure?.path.startsWith('/puppet/v3/report/')) {
      count.reportsLost++
    } else if (failure) {
      count.failures.push(
        `${certname} ${failure.method} ${failure.path.split('?')[0]}: ${failure.status ?? ''} ${failure.message}`
      )
    }
  }

  async function live(identity: IssuedCertificate, index: number): Promise<void> {
    while (!isOver) {
      await runOnce(index, identity)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  const lives = identities.map(live)
  return {
    count,
    revoke(index, graceMs) {
      refusedFromMs.set(index, performance.now() + graceMs)
    },
    workerDies(withinMs) {
      dyingUntilMs = performance.now() + withinMs
    },
    async stop() {
      isOver = true
      await Promise.all(lives)
    }
  }
}

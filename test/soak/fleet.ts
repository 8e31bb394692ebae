import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'

/** How the runs of a fleet went. */
export interface FleetCount {
  runs: number
  /** Runs that failed although their agent was not revoked, with what they said. */
  readonly failures: string[]
  /** Reports that no master took. Puppet logs them and goes on, as its `configurer.rb` says. */
  reportsLost: number
  /** Runs of revoked agents that were refused, as they must be. */
  refused: number
  /** Runs of agents revoked for longer than the balancer may take to read it, which went through all the same. */
  letIn: number
}

export interface Fleet {
  readonly count: FleetCount
  /** From now on its runs must be refused, once the balancer has had `graceMs` to read the list. */
  readonly revoke: (index: number, graceMs: number) => void
  /** Resolves when nobody runs any more; nobody begins before `resume`. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  readonly stop: () => Promise<void>
}

/** Enrolled agents, each with one run after the other. */
export function startFleet(
  target: { readonly port: number; readonly ca: string },
  identities: readonly IssuedCertificate[]
): Fleet {
  const count: FleetCount = { runs: 0, failures: [], reportsLost: 0, refused: 0, letIn: 0 }
  const refusedFromMs = new Map<number, number>()
  const underWay = new Set<Promise<void>>()
  let isOver = false
  let gate = Promise.resolve()
  let open = () => {}

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
      await gate
      const run = runOnce(index, identity)
      underWay.add(run)
      await run
      underWay.delete(run)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  const lives = identities.map(live)
  return {
    count,
    revoke(index, graceMs) {
      refusedFromMs.set(index, performance.now() + graceMs)
    },
    async pause() {
      gate = new Promise(resolve => {
        open = resolve
      })
      await Promise.all(underWay)
    },
    resume: () => open(),
    async stop() {
      isOver = true
      open()
      await Promise.all(lives)
    }
  }
}

import { compiledBy, createEnrolledAgent, runAgent } from './agent.ts'
import type { Run } from './background.ts'
import { inWaves } from './waves.ts'

/** A run that has ended: how, when it began and how long it took. */
export interface FleetRun {
  readonly end: Run
  readonly sinceMs: number
  readonly ms: number
}

/** Agents that run again and again, whatever happens to masters meanwhile. */
export interface Fleet {
  /** The runs that have ended. */
  readonly done: readonly FleetRun[]
  /** Who compiled for them so far, by certname. */
  readonly compilers: ReadonlySet<string>
  /** Lets each of them end the run it is in, and no more. */
  readonly end: () => Promise<unknown>
}

/** Enrols so many agents and sets them going; each of their catalogs takes `compileSeconds`. */
export async function startFleet(size: number, compileSeconds: number): Promise<Fleet> {
  const certnames = Array.from({ length: size }, (_, i) => `fleet-${i}.example.test`)
  const agents = await inWaves(certnames, size, certname => createEnrolledAgent({ certname }))
  const done: FleetRun[] = []
  const compilers = new Set<string>()
  let isOver = false
  const looping = inWaves(agents, size, async agent => {
    while (!isOver) {
      const sinceMs = performance.now()
      const end = await runAgent(agent, compileSeconds)
      done.push({ end, sinceMs, ms: performance.now() - sinceMs })
      compilers.add(compiledBy(agent))
    }
  })
  return {
    done,
    compilers,
    end() {
      isOver = true
      return looping
    }
  }
}

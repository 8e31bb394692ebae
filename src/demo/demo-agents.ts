import type { Runtime } from '../model/runtime.ts'
import { generateKeyPair } from '../pki/key-pair.ts'
import { bootstrapAgent } from '../simulation/agent-bootstrap.ts'
import { createAgentClient } from '../simulation/agent-client.ts'
import { pause } from '../simulation/pause.ts'
import { type AgentRun, runAgent } from '../simulation/simulated-agent.ts'
import { isRevoked, wasCut } from './revoked-run.ts'

/** Simulated agents that run now and then. */
export interface DemoAgents {
  /** Resolves once every agent has hung up. */
  readonly stop: () => Promise<void>
}

const names = ['web01.demo', 'web02.demo', 'db01.demo', 'mail01.demo', 'build01.demo']
/** How many there are unless somebody wants more. */
const usualAgents = names.length
const shortestPauseMs = 3000
const longestPauseMs = 8000
/** More agents pause longer, so that the JRubies of the demonstration are busy and not swamped. */
const AGENTS_AT_USUAL_PAUSE = 60
/** Each agent beyond the first few begins so much later. */
const ENROL_MS = 50

/**
 * Lets agents enrol through the balancer and then run every few seconds, each after its own dice, never more than one run
 * of an agent at a time. One that is revoked goes on to ask, until the CA has no certificate of its name any more: then it
 * enrols with a new key, as after `puppet ssl clean`. `count`: how many; of more than sixty each pauses longer. `on.run`
 * hears of each run, `on.failure` of an enrolment that failed, which is tried again.
 */
export function startDemoAgents(
  { host, port }: { readonly host: string; readonly port: number },
  count: number,
  runtime: Runtime,
  on: {
    readonly run: (certname: string, run: AgentRun) => void
    readonly failure: (certname: string, error: Error) => void
  }
): DemoAgents {
  const stopping = new AbortController()
  const { signal } = stopping
  const place = { host, port, servername: 'puppet', runtime, signal }
  const stretch = Math.max(1, count / AGENTS_AT_USUAL_PAUSE)
  const rest = () => {
    const delayMs = shortestPauseMs + runtime.random() * (longestPauseMs - shortestPauseMs)
    return pause(stretch * delayMs, runtime, signal)
  }

  const enrol = async (certname: string) => {
    const keys = await generateKeyPair('ec')
    const extensions = { pp_role: certname.replace(/\d.*/, '') }
    for (;;) {
      try {
        return await bootstrapAgent({ ...place, certname, keys, extensions })
      } catch (error) {
        if (signal.aborted) throw error
        on.failure(certname, error as Error)
        await rest()
      }
    }
  }

  const live = async (certname: string, index: number): Promise<void> => {
    if (index >= usualAgents) await pause(index * ENROL_MS, runtime, signal)
    let self = await enrol(certname)
    const disk = new Map()
    for (;;) {
      const run = async () => {
        const { identity, ca, crl } = self
        const result = await runAgent({ ...place, certname, identity, ca, crl, disk })
        signal.throwIfAborted()
        return result
      }
      let last = await run()
      if (wasCut(last)) {
        // Whoever is revoked in the middle of a run is cut off; only the next answer says why.
        const cut = last
        last = await run()
        if (!isRevoked(last)) on.run(certname, cut)
      }
      on.run(certname, last)
      await rest()
      if (isRevoked(last) && (await isForgotten(certname, self.ca))) self = await enrol(certname)
    }
  }

  /** Whether the CA has no certificate of this name. */
  const isForgotten = async (certname: string, ca: string): Promise<boolean> => {
    const client = createAgentClient({ ...place, ca })
    try {
      const path = `/puppet-ca/v1/certificate/${certname}`
      const headers = { Accept: 'text/plain' }
      return (await client.ask({ method: 'GET', path, headers })).status === 404
    } catch {
      // It cannot be asked now, and is asked again after the next run.
      return false
    } finally {
      client.close()
    }
  }

  const lives = namesOf(count).map(live)
  return {
    stop: async () => {
      stopping.abort()
      await Promise.allSettled(lives)
    }
  }
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => names[index] ?? `agent${index + 1}.demo`)
}

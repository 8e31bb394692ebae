import type { Runtime } from '../model/runtime.ts'
import { generateKeyPair } from '../pki/key-pair.ts'
import { bootstrapAgent } from '../simulation/agent-bootstrap.ts'
import { pause } from '../simulation/pause.ts'
import { type AgentRun, runAgent } from '../simulation/simulated-agent.ts'

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
 * Lets agents enrol through the balancer and then run every few seconds, each after its own dice,
 * never more than one run of an agent at a time. `count`: how many; of more than sixty each pauses longer. `onRun` hears of each run, `onFailure` of an enrolment that
 * failed, which is tried again.
 */
export function startDemoAgents(
  port: number,
  count: number,
  runtime: Runtime,
  on: {
    readonly run: (certname: string, run: AgentRun) => void
    readonly failure: (certname: string, error: Error) => void
  }
): DemoAgents {
  const stopping = new AbortController()
  const { signal } = stopping
  const place = { host: '127.0.0.1', port, servername: 'puppet', runtime, signal }
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
    const { identity, ca, crl } = await enrol(certname)
    const disk = new Map()
    for (;;) {
      const run = await runAgent({ ...place, certname, identity, ca, crl, disk })
      signal.throwIfAborted()
      on.run(certname, run)
      await rest()
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

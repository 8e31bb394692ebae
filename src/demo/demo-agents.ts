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
const shortestPauseMs = 3000
const longestPauseMs = 8000

/**
 * Lets a handful of agents enrol through the balancer and then run every few seconds, each after its own dice,
 * never more than one run of an agent at a time. `onRun` hears of each run, `onFailure` of an enrolment that
 * failed, which is tried again.
 */
export function startDemoAgents(
  port: number,
  runtime: Runtime,
  on: {
    readonly run: (certname: string, run: AgentRun) => void
    readonly failure: (certname: string, error: Error) => void
  }
): DemoAgents {
  const stopping = new AbortController()
  const { signal } = stopping
  const place = { host: '127.0.0.1', port, servername: 'puppet', runtime, signal }
  const rest = () => {
    const delayMs = shortestPauseMs + runtime.random() * (longestPauseMs - shortestPauseMs)
    return pause(delayMs, runtime, signal)
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

  const live = async (certname: string): Promise<void> => {
    const { identity, ca, crl } = await enrol(certname)
    const disk = new Map()
    for (;;) {
      const run = await runAgent({ ...place, certname, identity, ca, crl, disk })
      signal.throwIfAborted()
      on.run(certname, run)
      await rest()
    }
  }

  const lives = names.map(live)
  return {
    stop: async () => {
      stopping.abort()
      await Promise.allSettled(lives)
    }
  }
}

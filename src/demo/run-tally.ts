import type { AgentRun } from '../simulation/simulated-agent.ts'
import { isRevoked } from './revoked-run.ts'

/** What became of the runs of the demonstration's agents, told in few lines. */
export interface RunTally {
  readonly add: (certname: string, run: AgentRun) => void
  /** Whether the last run of an agent was refused since its certificate is revoked. */
  readonly isRefused: (certname: string) => boolean
  /** How many agents have had a run that did not fail. */
  readonly served: () => number
  /** One line about the runs since the last one; `undefined` when there was none. */
  readonly summary: () => string | undefined
}

/** First runs that are told. */
const TOLD = 5

/**
 * Tells of the first run of the first few agents, of every one that failed, as it happens, and once of an agent that is
 * refused since it was revoked: its further runs are no failures.
 */
export function createRunTally(say: (line: string) => void): RunTally {
  const served = new Set<string>()
  const refused = new Set<string>()
  const lately = { runs: 0, failed: 0, requests: 0 }

  function refuse(certname: string, why = ''): void {
    if (!refused.has(certname)) say(`${certname}: refused: ${why.trim()}`)
    refused.add(certname)
  }

  function take(certname: string, { exitStatus, failure, requests, connections }: AgentRun): void {
    lately.runs++
    lately.requests += requests.length
    if (failure) {
      lately.failed++
      say(`${certname}: exit status 1, ${failure.method} ${failure.path}: ${failure.message.trim()}`)
      return
    }
    const isAnew = refused.delete(certname)
    if (isAnew || (served.size < TOLD && !served.has(certname))) {
      const over = `${requests.length} requests over ${connections} connection${connections === 1 ? '' : 's'}`
      say(`${certname}: first run${isAnew ? ' anew' : ''}, exit status ${exitStatus}, ${over}`)
    }
    served.add(certname)
  }

  return {
    add: (certname, run) => {
      if (isRevoked(run)) refuse(certname, run.failure?.message)
      else take(certname, run)
    },
    isRefused: certname => refused.has(certname),
    served: () => served.size,
    summary: () => {
      const { runs, failed, requests } = lately
      Object.assign(lately, { runs: 0, failed: 0, requests: 0 })
      if (runs === 0 && refused.size === 0) return undefined
      const agents = refused.size === 1 ? 'agent' : 'agents'
      const apart = refused.size === 0 ? '' : `; ${refused.size} revoked ${agents} refused`
      return `${runs} runs with ${requests} requests, ${failed} failed${apart}`
    }
  }
}

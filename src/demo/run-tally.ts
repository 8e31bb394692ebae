import type { AgentRun } from '../simulation/simulated-agent.ts'

/** What became of the runs of the demonstration's agents, told in few lines. */
export interface RunTally {
  readonly add: (certname: string, run: AgentRun) => void
  /** One line about the runs since the last one; `undefined` when there was none. */
  readonly summary: () => string | undefined
}

/** First runs that are told. */
const TOLD = 5

/** Tells of the first run of the first few agents, and of every one that failed, as it happens. */
export function createRunTally(say: (line: string) => void): RunTally {
  const seen = new Set<string>()
  const lately = { runs: 0, failed: 0, requests: 0 }
  return {
    add: (certname, run) => {
      const { exitStatus, failure, requests, connections } = run
      lately.runs++
      lately.requests += requests.length
      if (failure) {
        lately.failed++
        say(`${certname}: exit status 1, ${failure.method} ${failure.path}: ${failure.message.trim()}`)
      } else if (seen.size < TOLD && !seen.has(certname)) {
        const over = `${requests.length} requests over ${connections} connection${connections === 1 ? '' : 's'}`
        say(`${certname}: first run, exit status ${exitStatus}, ${over}`)
      }
      seen.add(certname)
    },
    summary: () => {
      const { runs, failed, requests } = lately
      Object.assign(lately, { runs: 0, failed: 0, requests: 0 })
      return runs === 0 ? undefined : `${runs} runs with ${requests} requests, ${failed} failed`
    }
  }
}

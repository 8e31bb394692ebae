import type { BadProbe } from './probe.ts'

/** What the system, Node and OpenSSL call an error; a metric gets no other text from a master into its labels. */
const code = /^[A-Z][A-Z0-9_]{2,63}$/

/** How often probes of a master failed, by what made them fail. */
export interface ProbeFailure {
  readonly master: string
  /**
   * An error code, `slow` (taken and not answered in time), `timeout` (not even taken), `answer` (not the one of a
   * master that runs) or `other`.
   */
  readonly cause: string
  readonly count: number
}

export interface ProbeFailures {
  readonly add: (master: string, probe: BadProbe) => void
  /** Those of the masters named; what was counted for any other is forgotten. */
  readonly of: (masters: readonly string[]) => readonly ProbeFailure[]
}

export function createProbeFailures(): ProbeFailures {
  const counts = new Map<string, Map<string, number>>()
  return {
    add(master, probe) {
      const cause = labelOf(probe)
      const ofMaster = counts.get(master) ?? new Map<string, number>()
      counts.set(master, ofMaster.set(cause, (ofMaster.get(cause) ?? 0) + 1))
    },
    of(masters) {
      for (const name of counts.keys()) if (!masters.includes(name)) counts.delete(name)
      return [...counts].flatMap(([master, causes]) =>
        [...causes].map(([cause, count]) => ({ master, cause, count }))
      )
    }
  }
}

function labelOf({ cause, isSlow }: BadProbe): string {
  if (isSlow) return 'slow'
  if (code.test(cause)) return cause
  if (cause === 'timed out') return 'timeout'
  return cause.startsWith('answered ') ? 'answer' : 'other'
}

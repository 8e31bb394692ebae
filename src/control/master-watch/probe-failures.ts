import type { CauseKind } from '../../upstream/cause.ts'
import type { BadProbe } from './probe.ts'

/** How often probes of a master failed, by what made them fail. */
export interface ProbeFailure {
  readonly master: string
  readonly cause: CauseKind
  readonly count: number
}

export interface ProbeFailures {
  readonly add: (master: string, probe: BadProbe) => void
  /** Those of the masters named; what was counted for any other is forgotten. */
  readonly of: (masters: readonly string[]) => readonly ProbeFailure[]
}

export function createProbeFailures(): ProbeFailures {
  const counts = new Map<string, Map<CauseKind, number>>()
  return {
    add(master, { kind: cause = 'other' }) {
      const ofMaster = counts.get(master) ?? new Map<CauseKind, number>()
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

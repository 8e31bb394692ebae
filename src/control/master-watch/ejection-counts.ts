import type { EjectionFault } from './master-watch.ts'

/** How often a master was ejected, by what for. */
export interface EjectionCount {
  readonly master: string
  readonly fault: EjectionFault
  readonly count: number
}

export interface EjectionCounts {
  readonly add: (master: string, fault: EjectionFault) => void
  /** Those of the masters named; what was counted for any other is forgotten. */
  readonly of: (masters: readonly string[]) => readonly EjectionCount[]
}

export function createEjectionCounts(): EjectionCounts {
  const counts = new Map<string, Map<EjectionFault, number>>()
  return {
    add(master, fault) {
      const ofMaster = counts.get(master) ?? new Map<EjectionFault, number>()
      counts.set(master, ofMaster.set(fault, (ofMaster.get(fault) ?? 0) + 1))
    },
    of(masters) {
      for (const name of counts.keys()) if (!masters.includes(name)) counts.delete(name)
      return [...counts].flatMap(([master, faults]) =>
        [...faults].map(([fault, count]) => ({ master, fault, count }))
      )
    }
  }
}

/** How often something went wrong with a master, by what. */
export interface FaultCount<Fault extends string> {
  readonly master: string
  readonly fault: Fault
  readonly count: number
}

export interface FaultCounts<Fault extends string> {
  readonly add: (master: string, fault: Fault) => void
  /** Those of the masters named; what was counted for any other is forgotten. */
  readonly of: (masters: readonly string[]) => readonly FaultCount<Fault>[]
}

export function createFaultCounts<Fault extends string>(): FaultCounts<Fault> {
  const counts = new Map<string, Map<Fault, number>>()
  return {
    add(master, fault) {
      const ofMaster = counts.get(master) ?? new Map<Fault, number>()
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

/** A Puppet Server as configured. `index` is its row on the board and never changes while the process lives. */
export interface Master {
  readonly name: string
  /** Origin, `https://host:port` or `http://host:port`. */
  readonly url: string
  readonly index: number
  readonly weight: number
  readonly priority: number
  /** JRubies the configuration says it has; otherwise its own word is taken. */
  readonly capacity?: number | undefined
}

/** Why a master is or is not given work. */
export const masterStates = ['unknown', 'up', 'down', 'ejected', 'warming'] as const
export type MasterState = (typeof masterStates)[number]

/** Everything the data plane believes about the masters at one moment. Replaced whole, never edited. */
export interface Snapshot {
  readonly version: number
  readonly ca: Master
  /** Every compile master, whatever its state: for requests that must reach all of them. */
  readonly masters: readonly Master[]
  /** Masters that may be given work, grouped by priority, best first; no group is empty. */
  readonly tiers: readonly (readonly Master[])[]
  /** Masters that are given nothing new, but may finish the runs that are pinned to them. */
  readonly finishing: readonly Master[]
}

/** Groups the masters that may take work into tiers: priority ascending, weight 0 left out. */
export function tiersOf(
  masters: readonly Master[],
  mayServe: (master: Master) => boolean
): Snapshot['tiers'] {
  const byPriority = new Map<number, Master[]>()
  for (const master of masters) {
    if (master.weight === 0 || !mayServe(master)) continue
    const tier = byPriority.get(master.priority)
    if (tier) tier.push(master)
    else byPriority.set(master.priority, [master])
  }
  return Object.freeze(
    [...byPriority].sort(([a], [b]) => a - b).map(([, tier]) => Object.freeze(tier) as readonly Master[])
  )
}

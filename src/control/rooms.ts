import type { Master, Snapshot } from '../model/snapshot.ts'
import type { MasterRoom } from '../shared/slots/types.ts'
import type { Load } from './master-watch/jruby-load.ts'

/** What each master can take, by its index: its tier from the snapshot, its JRubies from its load. */
export function roomsOf(snapshot: Snapshot, load: Pick<Load, 'of'>): MasterRoom[] {
  const tierOf = (master: Master) => snapshot.tiers.findIndex(tier => tier.includes(master))
  return snapshot.masters.map(master => ({
    tier: tierOf(master),
    finishesRuns: snapshot.finishing.includes(master),
    ...load.of(master)
  }))
}

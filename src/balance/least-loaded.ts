import type { Master } from '../model/snapshot.ts'
import type { PolicyFactory } from './policy.ts'

/**
 * The master that is least busy for its weight: open requests for each JRuby, divided by the weight, smallest
 * first. So weight says how fast a JRuby of that master is compared with the others': with 2 it is given twice the
 * requests at a time. Idle masters are equal; among equals the dice decide, in proportion to weight. Masters are
 * few, so all are looked at.
 */
export const leastLoaded: PolicyFactory =
  ({ load, random }) =>
  (tier, _choice, tried) => {
    let best: Master | undefined
    let bestScore = Number.POSITIVE_INFINITY
    let tiedWeight = 0
    for (const master of tier) {
      if (tried.length > 0 && tried.includes(master.index)) continue
      const score = load(master) / master.weight
      if (score > bestScore) continue
      tiedWeight = score < bestScore ? master.weight : tiedWeight + master.weight
      // Reservoir sampling: the newcomer takes the place with probability weight / weight of all tied so far.
      if (score < bestScore || random() * tiedWeight < master.weight) best = master
      bestScore = score
    }
    return best
  }

import type { Master } from '../model/master.ts'
import type { PolicyFactory } from './policy.ts'

/**
 * The master that is least busy for its weight: open requests for each JRuby, divided by the weight, smallest
 * first. So weight says how fast a JRuby of that master is compared with the others': with 2 it is given twice the
 * requests at a time. Idle masters are equal; among equals the dice decide, in proportion to weight. Masters are
 * few, so all are looked at.
 */
export const leastLoaded: PolicyFactory =
  ({ busyness, random }) =>
  candidates => {
    let best: Master | undefined
    let bestScore = Number.POSITIVE_INFINITY
    let tiedWeight = 0
    for (const master of candidates) {
      const { weight } = master
      const score = busyness(master) / weight
      if (score > bestScore) continue
      tiedWeight = score < bestScore ? weight : tiedWeight + weight
      // Reservoir sampling: the newcomer takes the place with probability weight / weight of all tied so far.
      if (score < bestScore || random() * tiedWeight < weight) best = master
      bestScore = score
    }
    return best
  }

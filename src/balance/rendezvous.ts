import { fnv1a, mix } from '../model/hash.ts'
import type { Master } from '../model/master.ts'
import type { Choice } from './policy.ts'

/**
 * Rendezvous hashing: every master draws a lot for the key, the best lot wins. A key stays with its master while
 * that serves, and when a master leaves only its own keys move. Weights bend the lots: -weight / ln(lot), with
 * which the shares are in proportion to the weights (Schindelhauer and Schomaker, "Weighted Distributed Hash
 * Tables", 2005). Needs nothing of the world, so it is a policy by itself.
 */
export function byRendezvous(candidates: readonly Master[], { key }: Choice): Master | undefined {
  let best: Master | undefined
  let bestScore = Number.NEGATIVE_INFINITY
  for (const master of candidates) {
    const score = -master.weight / Math.log(lot(key, master.name))
    if (score <= bestScore) continue
    best = master
    bestScore = score
  }
  return best
}

/** A number between 0 and 1, both excluded, that looks random but is the same for the same pair of strings. */
function lot(key: string, name: string): number {
  return (mix(fnv1a(name, fnv1a(key))) + 0.5) / 2 ** 32
}

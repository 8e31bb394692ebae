import type { Master } from '../model/snapshot.ts'
import type { PolicyFactory } from './policy.ts'

/**
 * Smooth weighted round robin. One cycle of turns is worked out per tier (weights 3:1 give a a b a); a request's
 * ticket says whose turn it is, so the shares are exact over all workers. A master already tried gives its turn
 * to the next one in the cycle.
 */
export const roundRobin: PolicyFactory = () => {
  const cycles = new WeakMap<readonly Master[], readonly Master[]>()
  return (tier, { ticket }, tried) => {
    let cycle = cycles.get(tier)
    if (!cycle) {
      cycle = cycleOf(tier)
      cycles.set(tier, cycle)
    }
    for (let step = 0; step < cycle.length; step++) {
      const master = cycle[(ticket + step) % cycle.length]
      if (master && !tried.includes(master.index)) return master
    }
    return undefined
  }
}

/** Turns in one cycle; its length is the sum of the weights divided by what they have in common. */
function cycleOf(tier: readonly Master[]): Master[] {
  const divisor = tier.map(master => master.weight).reduce(greatestCommonDivisor, 0)
  const turns = tier.map(master => ({ master, weight: master.weight / divisor, credit: 0 }))
  const total = turns.reduce((sum, turn) => sum + turn.weight, 0)
  const cycle: Master[] = []
  while (cycle.length < total) {
    for (const turn of turns) turn.credit += turn.weight
    const next = turns.reduce((best, turn) => (turn.credit > best.credit ? turn : best))
    next.credit -= total
    cycle.push(next.master)
  }
  return cycle
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

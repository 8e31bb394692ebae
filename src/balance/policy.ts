import type { Master, Snapshot } from '../model/snapshot.ts'

/** What a policy may know about one request. */
export interface Choice {
  /** The agent's certname, or what stands for it; the same key prefers the same master under `rendezvous`. */
  readonly key: string
  /** One number a request, given out in order over all workers. */
  readonly ticket: number
}

/** What a policy may know about the world. */
export interface Loads {
  /** How busy a master is: requests open there, ours and others', for each of its JRubies. */
  readonly load: (master: Master) => number
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number
}

/** Picks the best master of a tier whose index is not among those already tried; `undefined` when all were. */
export type Policy = (tier: readonly Master[], choice: Choice, tried: readonly number[]) => Master | undefined

export type PolicyFactory = (loads: Loads) => Policy

/** The master a request goes to next: the best untried one of the first tier that has any. */
export function choose(
  policy: Policy,
  tiers: Snapshot['tiers'],
  choice: Choice,
  tried: readonly number[]
): Master | undefined {
  for (const tier of tiers) {
    const master = policy(tier, choice, tried)
    if (master) return master
  }
  return undefined
}

/** Every candidate for a request, first choice first. */
export function orderOf(policy: Policy, tiers: Snapshot['tiers'], choice: Choice): Master[] {
  const order: Master[] = []
  const tried: number[] = []
  for (let next = choose(policy, tiers, choice, tried); next; next = choose(policy, tiers, choice, tried)) {
    order.push(next)
    tried.push(next.index)
  }
  return order
}

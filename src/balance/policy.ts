import type { Master } from '../model/master.ts'

/** What a policy may know about one request. */
export interface Choice {
  /** The agent's certname, or what stands for it; the same key prefers the same master under `rendezvous`. */
  readonly key: string
}

/** What a policy may know about the world. */
export interface PolicyDeps {
  /** How busy a master is: requests open there, ours and others', for each of its JRubies. */
  readonly busyness: (master: Master) => number
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number
  /** Takes a turn among masters, by weight and over all workers: the one whose turn it is, as an index. */
  readonly nextTurn: (masters: readonly Master[]) => number
}

/** Picks the best of several masters, all of which could take the request; `undefined` when there is none. */
export type Policy = (candidates: readonly Master[], choice: Choice) => Master | undefined

export type PolicyFactory = (deps: PolicyDeps) => Policy

/** Every candidate, first choice first. */
export function orderOf(policy: Policy, candidates: readonly Master[], choice: Choice): Master[] {
  const order: Master[] = []
  let left = candidates
  for (let next = policy(left, choice); next; next = policy(left, choice)) {
    order.push(next)
    left = left.filter(master => master !== order.at(-1))
  }
  return order
}

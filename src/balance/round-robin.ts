import type { PolicyFactory } from './policy.ts'

/**
 * Smooth weighted round robin: weights 3 and 1 give a a b a. The turns are kept where all workers see them, so the
 * shares are exact over all of them and go on when a snapshot is replaced. Whoever could not take a request is not
 * among the candidates and gives its turn to the next one.
 */
export const roundRobin: PolicyFactory =
  ({ nextTurn }) =>
  candidates =>
    candidates.length < 2 ? candidates[0] : candidates[nextTurn(candidates)]

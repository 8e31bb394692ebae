import type { PolicyDeps } from '../../src/balance/policy.ts'
import { createTurns, type Turns } from '../../src/shared/turns.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** One worker's hand on turns of its own, or on turns that it shares with others. */
export function turnsOf({
  workers = 1,
  worker = 0,
  shared = newTurns(workers)
} = {}): PolicyDeps['nextTurn'] {
  const turns = createTurns({ workers, schedule: fakeRuntime().schedule }, shared.buffer)
  return masters => turns.next(worker, masters)
}

/** For several workers to share. */
export function newTurns(workers: number): Turns {
  return createTurns({ workers, schedule: fakeRuntime().schedule })
}

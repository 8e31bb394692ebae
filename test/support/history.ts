import { createRequestHistory, type RequestHistory, type RequestHistoryDeps } from '../../src/data/history.ts'
import { masters } from './masters.ts'

/** A memory of requests over two idle masters with four JRubies each. */
export function testHistory(now: () => number, deps: Partial<RequestHistoryDeps> = {}): RequestHistory {
  const both = masters({ m1: 1, m2: 2 })
  return createRequestHistory({
    now,
    tier: () => both,
    inFlight: () => 0,
    taken: () => 0,
    foreign: () => 0,
    failed: () => 0,
    warm: deps.capacity ?? (() => 4),
    capacity: () => 4,
    ...deps
  })
}

import type { Runtime } from '../model/runtime.ts'

/** The request for which an interpreter is wanted, as the metrics name it. */
export interface BorrowReason {
  readonly uri: string
  readonly method: string
  /** Groups the timers, e.g. `puppet-v3-catalog`. */
  readonly routeId: string
}

/** A request that waits for an interpreter or has one. */
export interface Borrower extends BorrowReason {
  /** Milliseconds since 1970 at which it began to wait, or to run. */
  readonly sinceMs: number
}

/** How often and for how long the requests of one route had an interpreter. */
export interface BorrowTimer {
  readonly count: number
  readonly totalMs: number
  readonly maxMs: number
}

/** What the pool has counted since it began. */
export interface JrubyCounts {
  readonly requested: number
  readonly borrowed: number
  readonly returned: number
  readonly waitedMs: number
  readonly timers: ReadonlyMap<string, BorrowTimer>
}

/** The interpreters of one master: each serves one request, the others wait in the order they came. */
export interface JrubyPool {
  readonly size: number
  /** Resolves with the function that gives the interpreter back, which must be called once. */
  readonly borrow: (reason: BorrowReason) => Promise<() => void>
  readonly borrowed: () => readonly Borrower[]
  readonly waiting: () => readonly Borrower[]
  readonly counts: () => JrubyCounts
}

const noTimer: BorrowTimer = { count: 0, totalMs: 0, maxMs: 0 }

/** A pool of `size` interpreters; `onChange` is called after each borrow, return and wait. */
export function createJrubyPool({
  size,
  runtime,
  onChange = () => {}
}: {
  readonly size: number
  readonly runtime: Runtime
  readonly onChange?: () => void
}): JrubyPool {
  const borrowed = new Set<Borrower>()
  const waiting: { readonly borrower: Borrower; readonly start: () => void }[] = []
  const timers = new Map<string, BorrowTimer>()
  const counts = { requested: 0, borrowed: 0, returned: 0, waitedMs: 0 }

  const lend = (reason: BorrowReason, requestedAtMs: number): (() => void) => {
    const startedAtMs = runtime.now()
    const borrower = { ...reason, sinceMs: runtime.wallClock() }
    borrowed.add(borrower)
    counts.borrowed++
    counts.waitedMs += startedAtMs - requestedAtMs
    return () => {
      if (!borrowed.delete(borrower)) throw new Error('an interpreter was given back twice')
      counts.returned++
      clock(reason.routeId, runtime.now() - startedAtMs)
      waiting.shift()?.start()
      onChange()
    }
  }

  const clock = (routeId: string, ms: number) => {
    const { count, totalMs, maxMs } = timers.get(routeId) ?? noTimer
    timers.set(routeId, { count: count + 1, totalMs: totalMs + ms, maxMs: Math.max(maxMs, ms) })
  }

  return {
    size,
    borrow: reason => {
      const { promise, resolve } = Promise.withResolvers<() => void>()
      const requestedAtMs = runtime.now()
      const start = () => resolve(lend(reason, requestedAtMs))
      counts.requested++
      if (borrowed.size < size) start()
      else waiting.push({ borrower: { ...reason, sinceMs: runtime.wallClock() }, start })
      onChange()
      return promise
    },
    borrowed: () => [...borrowed],
    waiting: () => waiting.map(({ borrower }) => borrower),
    counts: () => ({ ...counts, timers })
  }
}

/** A lock over threads, in one cell of shared memory. Held for microseconds, so waiting for it means spinning. */
export interface SharedLock {
  /** Runs `work` alone among all threads. `owner` is 0 or more, and another one in each thread. */
  readonly alone: <Result>(owner: number, work: () => Result) => Result
  /** Takes the lock from a thread that died and may have held it. */
  readonly breakFor: (owner: number) => void
}

export function createSharedLock(cells: Int32Array, at: number): SharedLock {
  // The owner is written down plus one; 0 is nobody.
  return Object.freeze({
    alone<Result>(owner: number, work: () => Result): Result {
      while (Atomics.compareExchange(cells, at, 0, owner + 1) !== 0);
      try {
        return work()
      } finally {
        Atomics.store(cells, at, 0)
      }
    },
    breakFor(owner: number) {
      Atomics.compareExchange(cells, at, owner + 1, 0)
    }
  })
}

import type { Runtime } from '../model/runtime.ts'

/**
 * A lock over threads, in one cell of shared memory. It is held for microseconds. A thread that dies while it holds it
 * leaves a change half made: the lock then passes to whoever repairs that, before anybody else can look.
 */
export interface SharedLock {
  /**
   * Runs `work` alone among all threads, and blocks this one until it may. Only for threads that may block: while the
   * holder is dead, this lasts until the control plane takes the lock over. `owner` is 0 or more, and another one in
   * each thread. A throw of `work` frees the lock and is passed on.
   */
  readonly alone: <Result>(owner: number, work: () => Result) => Result
  /**
   * For the control plane, which must hear of dead workers and so never blocks. Runs `work` before it returns when the
   * lock is free, otherwise later from the event loop, in the order of asking. Rejects with what `work` throws.
   */
  readonly aloneSoon: <Result>(work: () => Result) => Promise<Result>
  /**
   * As `aloneSoon`, for a thread that has died: if it holds the lock, `work` runs at once and gets the lock from it
   * without anybody between. No other thread may have taken its number as owner yet.
   */
  readonly takeOverFrom: <Result>(deadOwner: number, work: () => Result) => Promise<Result>
}

/** Tries before a thread sleeps, or asks again later: some 10 microseconds, longer than most work within a lock. */
const SPINS = 500
/** A waiting thread looks again after this time, should the one that was to wake it have died. */
const SLICE_MS = 1
const RETRY_MS = 1
/** Set beside the owner when somebody sleeps, who is then to be woken. */
const WAITED_FOR = 1 << 30

/** A lock in the cell `at`, which is 0 at first. `controlOwner`: the control plane's number as an owner. */
export function createSharedLock(
  cells: Int32Array,
  at: number,
  { controlOwner, schedule }: { readonly controlOwner: number } & Pick<Runtime, 'schedule'>
): SharedLock {
  const asked: (() => void)[] = []

  // The owner is written down plus one; 0 is nobody.
  function tryTake(owner: number): boolean {
    for (let tries = 0; tries < SPINS; tries++) {
      if (Atomics.compareExchange(cells, at, 0, owner + 1) === 0) return true
    }
    return false
  }

  function sleep(): void {
    const holder = Atomics.load(cells, at)
    if (holder === 0) return
    const waitedFor = holder | WAITED_FOR
    if (Atomics.compareExchange(cells, at, holder, waitedFor) === holder)
      Atomics.wait(cells, at, waitedFor, SLICE_MS)
  }

  function workAndFree<Result>(work: () => Result): Result {
    try {
      return work()
    } finally {
      if ((Atomics.exchange(cells, at, 0) & WAITED_FOR) !== 0) Atomics.notify(cells, at)
    }
  }

  function passesFrom(deadOwner: number): boolean {
    for (const flag of [0, WAITED_FOR]) {
      const dead = (deadOwner + 1) | flag
      if (Atomics.compareExchange(cells, at, dead, (controlOwner + 1) | flag) === dead) return true
    }
    return false
  }

  function serveAsked(): void {
    while (asked.length > 0) {
      if (!tryTake(controlOwner)) {
        schedule(RETRY_MS, serveAsked)
        return
      }
      asked.shift()?.()
    }
  }

  function aloneSoon<Result>(work: () => Result): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    asked.push(() => {
      try {
        resolve(workAndFree(work))
      } catch (error) {
        reject(error)
      }
    })
    // Whoever asked before has set a timer by now.
    if (asked.length === 1) serveAsked()
    return promise
  }

  return Object.freeze({
    alone<Result>(owner: number, work: () => Result): Result {
      while (!tryTake(owner)) sleep()
      return workAndFree(work)
    },
    aloneSoon,
    async takeOverFrom<Result>(deadOwner: number, work: () => Result): Promise<Result> {
      return passesFrom(deadOwner) ? workAndFree(work) : aloneSoon(work)
    }
  })
}

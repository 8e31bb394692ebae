/**
 * One change after the other: reloads, what DNS says and what operators want are each made of what is in force, and
 * put something else in its place.
 */
export interface ChangeQueue {
  /** Runs a change when all that were asked for before have ended, however they did. Settles as the change does. */
  readonly run: <Result>(change: () => Promise<Result>) => Promise<Result>
  /** Whether none is under way or waits. */
  readonly isIdle: () => boolean
}

export function createChangeQueue(): ChangeQueue {
  let last: Promise<unknown> = Promise.resolve()
  let pending = 0
  return {
    run(change) {
      pending++
      const result = last.then(change).finally(() => {
        pending--
      })
      last = result.catch(() => {}) // Whoever asked for it hears of its failure.
      return result
    },
    isIdle: () => pending === 0
  }
}

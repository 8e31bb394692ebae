/**
 * One change after the other: reloads, what DNS says and what operators want are each made of what is in force, and
 * put something else in its place.
 */
export interface ChangeQueue {
  /** Runs a change when all that were asked for before have ended, however they did. Settles as the change does. */
  readonly run: <Result>(change: () => Promise<Result>) => Promise<Result>
}

export function createChangeQueue(): ChangeQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(change) {
      const result = last.then(change)
      last = result.catch(() => {}) // Whoever asked for it hears of its failure.
      return result
    }
  }
}

/** Those who wait for a condition that only something happening here can bring about. */
export interface Waiters {
  /** Resolves once `condition` holds; asks now, and again at each `wake`. Rejects when asking throws. */
  readonly until: (condition: () => boolean) => Promise<void>
  readonly wake: () => void
}

interface Waiter {
  readonly condition: () => boolean
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export function createWaiters(): Waiters {
  const waiting = new Set<Waiter>()
  const ask = (waiter: Waiter) => {
    try {
      if (!waiter.condition()) return
      waiter.resolve()
    } catch (error) {
      waiter.reject(error)
    }
    waiting.delete(waiter)
  }
  return {
    until: condition => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const waiter = { condition, resolve, reject }
      waiting.add(waiter)
      ask(waiter)
      return promise
    },
    wake: () => {
      for (const waiter of waiting) ask(waiter)
    }
  }
}

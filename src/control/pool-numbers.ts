import { defaultPool, queueCount } from '../model/pool.ts'

/** Which queue each pool has. */
export interface PoolNumbers {
  /**
   * The numbers of the pools there are now, 0 to `queueCount` - 1. A pool keeps its own as long as there is one of its
   * name, and if it can be, afterwards: those who waited for it may wait yet.
   */
  readonly of: (names: readonly string[]) => ReadonlyMap<string, number>
}

/** The default pool is 0 always. */
export function createPoolNumbers(): PoolNumbers {
  /** In the order in which they were last there. */
  const numbers = new Map<string, number>([[defaultPool, 0]])
  const unused = Array.from({ length: queueCount - 1 }, (_, index) => index + 1)

  /** One that no pool has had, or that of the pool which has been gone for longest. */
  function free(names: readonly string[]): number {
    const next = unused.shift()
    if (next !== undefined) return next
    const gone = [...numbers.keys()].find(name => name !== defaultPool && !names.includes(name)) as string
    const number = numbers.get(gone) as number
    numbers.delete(gone)
    return number
  }

  return {
    of(names) {
      const now = names.map((name): [string, number] => [name, numbers.get(name) ?? free(names)])
      for (const [name, number] of now) {
        numbers.delete(name)
        numbers.set(name, number)
      }
      return new Map(now)
    }
  }
}

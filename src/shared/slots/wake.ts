import type { SlotMemory } from './layout.ts'

/** Wakes workers when there is something in the slot table for them. */
export interface Wake {
  readonly worker: (worker: number) => void
  readonly everybody: () => void
  /** A worker's ear: each call resolves when the worker was woken since the last one resolved. */
  readonly listen: (worker: number) => () => Promise<void>
}

/** One cell for each worker, which counts how often it was woken. */
export function createWake({ cells, wakesAt }: Pick<SlotMemory, 'cells' | 'wakesAt'>, workers: number): Wake {
  function wake(worker: number): void {
    Atomics.add(cells, wakesAt + worker, 1)
    Atomics.notify(cells, wakesAt + worker)
  }
  return {
    worker: wake,
    everybody() {
      for (let worker = 0; worker < workers; worker++) wake(worker)
    },
    listen(worker) {
      const at = wakesAt + worker
      let heard = Atomics.load(cells, at)
      return async () => {
        const wait = Atomics.waitAsync(cells, at, heard)
        if (wait.async) await wait.value
        heard = Atomics.load(cells, at)
      }
    }
  }
}

import type { Runtime } from '../model/runtime.ts'
import { createSharedLock } from './lock.ts'

/**
 * How many bytes of request bodies are in hand, over all workers, and who waits for some. Bytes are taken before they
 * are read and all at once, so nobody holds some and waits for more. Who asked first gets them first, whatever it asks
 * for and in whichever worker.
 */
export interface BodyMemory {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** Bytes in hand, over all workers. */
  readonly bytes: () => number
  /** A worker's own hands on it. Once for each thread that is alive. */
  readonly join: (worker: number) => BodyMemoryUser
  /** Gives back all that a dead worker held; its successor may start once this has resolved. */
  readonly removeWorker: (worker: number) => Promise<void>
}

export interface BodyMemoryUser {
  /**
   * Takes so many bytes, all or none. `sinceMs`: when they were asked for, on a clock all threads share; another
   * worker that waits since earlier goes first.
   */
  readonly take: (bytes: number, limitBytes: number, sinceMs: number) => boolean
  readonly give: (bytes: number) => void
  /** The first of this worker that waits asked then; `undefined`: nobody waits here. */
  readonly waitSince: (sinceMs: number | undefined) => void
  /** Resolves when there may be bytes for the first that waits here. */
  readonly woken: () => Promise<void>
}

const LOCK = 0
const WAKES = 2

/** Bytes and waiting of `workers` workers, in a new buffer or in a shared one. */
export function createBodyMemory(
  { workers, schedule }: { readonly workers: number } & Pick<Runtime, 'schedule'>,
  shared?: SharedArrayBuffer
): BodyMemory {
  // An even number of cells, so that the numbers behind them are aligned.
  const cellCount = WAKES + workers + (workers % 2)
  const numbersAt = cellCount * Int32Array.BYTES_PER_ELEMENT
  const buffer = shared ?? new SharedArrayBuffer(numbersAt + 2 * workers * Float64Array.BYTES_PER_ELEMENT)
  const cells = new Int32Array(buffer, 0, cellCount)
  const held = new Float64Array(buffer, numbersAt, workers)
  const waitsSinceMs = new Float64Array(buffer, numbersAt + workers * Float64Array.BYTES_PER_ELEMENT, workers)
  if (!shared) waitsSinceMs.fill(Number.POSITIVE_INFINITY)
  const lock = createSharedLock(cells, LOCK, { controlOwner: workers, schedule })

  function sum(): number {
    let bytes = 0
    for (const each of held) bytes += each
    return bytes
  }

  /** The worker whose first has waited longest, or -1. */
  function longestWaiting(): number {
    let found = -1
    for (let worker = 0; worker < workers; worker++) {
      const sinceMs = waitsSinceMs[worker] as number
      if (sinceMs < (found < 0 ? Number.POSITIVE_INFINITY : (waitsSinceMs[found] as number))) found = worker
    }
    return found
  }

  function wakeNext(): void {
    const worker = longestWaiting()
    if (worker < 0) return
    Atomics.add(cells, WAKES + worker, 1)
    Atomics.notify(cells, WAKES + worker)
  }

  function join(worker: number): BodyMemoryUser {
    const at = WAKES + worker
    let heard = Atomics.load(cells, at)
    return {
      take: (bytes, limitBytes, sinceMs) =>
        lock.alone(worker, () => {
          const first = longestWaiting()
          if (first >= 0 && first !== worker && (waitsSinceMs[first] as number) < sinceMs) return false
          if (sum() + bytes > limitBytes) return false
          held[worker] = (held[worker] as number) + bytes
          return true
        }),
      give: bytes =>
        lock.alone(worker, () => {
          held[worker] = (held[worker] as number) - bytes
          wakeNext()
        }),
      waitSince: sinceMs =>
        lock.alone(worker, () => {
          waitsSinceMs[worker] = sinceMs ?? Number.POSITIVE_INFINITY
          // There may be enough for the next one, who stood behind.
          wakeNext()
        }),
      async woken() {
        const wait = Atomics.waitAsync(cells, at, heard)
        if (wait.async) await wait.value
        heard = Atomics.load(cells, at)
      }
    }
  }

  return Object.freeze({
    buffer,
    bytes: sum,
    join,
    removeWorker: (worker: number) =>
      lock.takeOverFrom(worker, () => {
        held[worker] = 0
        waitsSinceMs[worker] = Number.POSITIVE_INFINITY
        wakeNext()
      })
  })
}

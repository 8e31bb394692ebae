import { fnv1a, mix } from '../model/hash.ts'

/** Each name is counted in a cell of either half, and has what the smaller one says. */
const HALVES = 2
/** In front of the counts: the seed. */
const HEADER = 1

/**
 * Counts by name, over all threads, in memory of a fixed size: names share cells, so a count may be too high but is
 * never too low. It is too high only for a name that shares both of its cells, and a seed keeps strangers from
 * choosing whose they share. Each worker writes only its own row, so a row can be wiped when its worker dies.
 */
export interface Tally {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** What the other functions know a name by. */
  readonly keyOf: (name: string) => number
  readonly add: (worker: number, key: number) => void
  readonly remove: (worker: number, key: number) => void
  /** Over all workers. */
  readonly of: (key: number) => number
  /** Forgets what a worker counted; for one that died. */
  readonly wipe: (worker: number) => void
}

export interface TallySize {
  readonly workers: number
  /** In each half; a power of two. */
  readonly cells: number
}

/** Counts in a new buffer, with a seed from `random`, or in a shared one. */
export function createTally(
  { workers, cells }: TallySize,
  random: () => number,
  shared?: SharedArrayBuffer
): Tally {
  const row = HALVES * cells
  const size = (HEADER + workers * row) * Int32Array.BYTES_PER_ELEMENT
  const buffer = shared ?? new SharedArrayBuffer(size)
  const counts = new Int32Array(buffer)
  if (!shared) counts[0] = Math.floor(random() * 2 ** 32)
  const seed = counts[0] as number
  const first = (worker: number, key: number) => HEADER + worker * row + (key & (cells - 1))
  const second = (worker: number, key: number) => HEADER + worker * row + cells + (mix(key) & (cells - 1))

  function sum(cell: typeof first, key: number): number {
    let total = 0
    for (let worker = 0; worker < workers; worker++) total += Atomics.load(counts, cell(worker, key))
    return total
  }

  return Object.freeze({
    buffer,
    keyOf: (name: string) => mix(fnv1a(name, seed)),
    add(worker: number, key: number) {
      Atomics.add(counts, first(worker, key), 1)
      Atomics.add(counts, second(worker, key), 1)
    },
    remove(worker: number, key: number) {
      Atomics.sub(counts, first(worker, key), 1)
      Atomics.sub(counts, second(worker, key), 1)
    },
    of: (key: number) => Math.min(sum(first, key), sum(second, key)),
    wipe(worker: number) {
      counts.fill(0, HEADER + worker * row, HEADER + (worker + 1) * row)
    }
  })
}

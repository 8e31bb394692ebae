import { seatCount } from '../model/master.ts'

/** Bounds grow by a fifth from one to the next, so that a quantile is told within a tenth. */
const PER_DOUBLING = 4
const FIRST_MS = 16
/** The last one begins at 12 minutes; agents give up after ten. */
export const compileTimeBuckets = 64

/**
 * How long masters took for catalogs, counted by seat over all workers: from handing the request over to the head of the
 * answer. Written without a lock, once for each catalog that was given.
 */
export interface CompileTimes {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  readonly add: (seat: number, tookMs: number) => void
  /** All there were since the seat was reset, by bucket. Wraps around: compare by differences. */
  readonly counts: (seat: number) => Int32Array
  /** For the next occupant. */
  readonly reset: (seat: number) => void
}

/** Times in a new buffer or in a shared one. */
export function createCompileTimes(shared?: SharedArrayBuffer): CompileTimes {
  const buffer =
    shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * seatCount * compileTimeBuckets)
  const cells = new Int32Array(buffer)
  return Object.freeze({
    buffer,
    add: (seat: number, tookMs: number) =>
      void Atomics.add(cells, seat * compileTimeBuckets + bucketOf(tookMs), 1),
    counts: (seat: number) =>
      Int32Array.from({ length: compileTimeBuckets }, (_, bucket) =>
        Atomics.load(cells, seat * compileTimeBuckets + bucket)
      ),
    reset(seat: number) {
      for (let bucket = 0; bucket < compileTimeBuckets; bucket++)
        Atomics.store(cells, seat * compileTimeBuckets + bucket, 0)
    }
  })
}

/** The time, in milliseconds, that a share of those counted stayed below; `undefined` when nothing was counted. */
export function quantileMs(counts: ArrayLike<number>, share: number): number | undefined {
  let total = 0
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket] as number
  if (total === 0) return undefined
  let left = share * total
  for (let bucket = 0; bucket < counts.length; bucket++) {
    const here = counts[bucket] as number
    if (here > 0 && left <= here) return startMs(bucket + left / here)
    left -= here
  }
  return startMs(counts.length)
}

/** Parts of a bucket that stand for all times in it. */
const PARTS = [0.25, 0.75]

/** The times that were counted, each with its share; none when nothing was counted. */
export function spreadOf(
  counts: ArrayLike<number>
): readonly { readonly tookMs: number; readonly share: number }[] {
  const all = Array.from(counts, (count, bucket) => ({ count, bucket })).filter(({ count }) => count > 0)
  const total = all.reduce((sum, { count }) => sum + count, 0)
  return all.flatMap(({ count, bucket }) =>
    PARTS.map(part => ({ tookMs: startMs(bucket + part), share: count / (PARTS.length * total) }))
  )
}

function bucketOf(tookMs: number): number {
  const bucket = Math.floor(PER_DOUBLING * Math.log2(Math.max(1, tookMs) / FIRST_MS)) + 1
  return Math.min(Math.max(bucket, 0), compileTimeBuckets - 1)
}

/** Where a bucket begins, in milliseconds; a part of one by its place in it. The first one begins at nothing. */
function startMs(place: number): number {
  return place <= 1 ? FIRST_MS * place : FIRST_MS * 2 ** ((place - 1) / PER_DOUBLING)
}

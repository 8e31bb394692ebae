/**
 * Whether the event loops of the workers turn, in memory that every thread sees: each worker counts its turns in a cell
 * of its own.
 */
export interface Heartbeats {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** The loop of a worker has turned. */
  readonly beat: (worker: number) => void
  /** How often it has; wraps around. */
  readonly count: (worker: number) => number
}

/** Cells for `workers` workers, in a new buffer or in a shared one. */
export function createHeartbeats(
  { workers }: { readonly workers: number },
  shared?: SharedArrayBuffer
): Heartbeats {
  const buffer = shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * workers)
  const cells = new Int32Array(buffer)
  return Object.freeze({
    buffer,
    beat: (worker: number) => void Atomics.add(cells, worker, 1),
    count: (worker: number) => Atomics.load(cells, worker)
  })
}

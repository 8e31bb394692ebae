/**
 * Counters that every thread sees, in shared memory: how many requests each worker has open at each master,
 * and one ticket dispenser. Each worker writes only its own row, so a row can be wiped when its worker dies.
 */
export interface Board {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** Requests open at a master, over all workers. */
  readonly inFlight: (masterIndex: number) => number
  readonly begin: (worker: number, masterIndex: number) => void
  readonly end: (worker: number, masterIndex: number) => void
  /** Forgets what a worker had open; for one that died. */
  readonly wipe: (worker: number) => void
  /** The next of an endless row of numbers, each given out once over all threads; wraps at 2^32. */
  readonly nextTicket: () => number
}

/** Rows for `workers` workers and `masters` masters (the CA counts as one), in a new buffer or a shared one. */
export function createBoard(size: { workers: number; masters: number }, shared?: SharedArrayBuffer): Board {
  const { workers, masters } = size
  const buffer = shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (1 + workers * masters))
  const cells = new Int32Array(buffer)
  const cell = (worker: number, masterIndex: number) => 1 + worker * masters + masterIndex
  return Object.freeze({
    buffer,
    inFlight(masterIndex: number) {
      let sum = 0
      for (let worker = 0; worker < workers; worker++) sum += Atomics.load(cells, cell(worker, masterIndex))
      return sum
    },
    begin(worker: number, masterIndex: number) {
      Atomics.add(cells, cell(worker, masterIndex), 1)
    },
    end(worker: number, masterIndex: number) {
      Atomics.sub(cells, cell(worker, masterIndex), 1)
    },
    wipe(worker: number) {
      for (let index = 0; index < masters; index++) Atomics.store(cells, cell(worker, index), 0)
    },
    nextTicket: () => Atomics.add(cells, 0, 1) >>> 0
  })
}

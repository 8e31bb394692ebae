import { seatCount } from '../model/master.ts'

/**
 * How many requests each worker has open at each seat, in memory that every thread sees. The CA sits on a seat as
 * well. Each worker writes only its own row, so a row can be wiped when its worker dies. What other processes of this
 * balancer have there is in a row of its own, which the control plane writes.
 */
export interface Board {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** Requests open at a seat, over all workers. */
  readonly inFlight: (seat: number) => number
  /** Connections of raw TCP that other processes of this balancer have there, as they tell. */
  readonly elsewhere: (seat: number) => number
  readonly setElsewhere: (seat: number, count: number) => void
  readonly begin: (worker: number, seat: number) => void
  readonly end: (worker: number, seat: number) => void
  /** Forgets what a worker had open; for one that died. */
  readonly wipe: (worker: number) => void
}

/** Rows for `workers` workers, in a new buffer or in a shared one. */
export function createBoard({ workers }: { readonly workers: number }, shared?: SharedArrayBuffer): Board {
  const buffer = shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (workers + 1) * seatCount)
  const cells = new Int32Array(buffer)
  const cell = (worker: number, seat: number) => worker * seatCount + seat
  return Object.freeze({
    buffer,
    inFlight(seat: number) {
      let sum = 0
      for (let worker = 0; worker < workers; worker++) sum += Atomics.load(cells, cell(worker, seat))
      return sum
    },
    elsewhere: (seat: number) => Atomics.load(cells, cell(workers, seat)),
    setElsewhere: (seat: number, count: number) => void Atomics.store(cells, cell(workers, seat), count),
    begin: (worker: number, seat: number) => void Atomics.add(cells, cell(worker, seat), 1),
    end: (worker: number, seat: number) => void Atomics.sub(cells, cell(worker, seat), 1),
    wipe(worker: number) {
      for (let seat = 0; seat < seatCount; seat++) Atomics.store(cells, cell(worker, seat), 0)
    }
  })
}

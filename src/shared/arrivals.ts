import { seatCount } from '../model/master.ts'

/**
 * How often anything came from the master on each seat, on any connection of any thread. It only says whether anything
 * came since it was last looked at: the number wraps around at 32 bits.
 */
export interface Arrivals {
  readonly buffer: SharedArrayBuffer
  /** Something came. */
  readonly add: (seat: number) => void
  readonly count: (seat: number) => number
}

/** In a new buffer, or in a shared one. */
export function createArrivals(shared?: SharedArrayBuffer): Arrivals {
  const buffer = shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * seatCount)
  const cells = new Int32Array(buffer)
  return Object.freeze({
    buffer,
    add: (seat: number) => void Atomics.add(cells, seat, 1),
    count: (seat: number) => Atomics.load(cells, seat)
  })
}

import { seatCount } from '../../model/master.ts'
import type { Capacity } from './capacity.ts'
import { MASK_SIZE } from './layout.ts'
import type { SeatMask } from './types.ts'

/**
 * A master that fails catalogs at once is free again at once, and would draw the whole queue. So a catalog that failed
 * counts there for as long as it would have run. But it takes nothing from anybody: it counts only as far as others that
 * may have a catalog have fewer of them. A master that is the only one, or where all fail alike, is as free as it seems.
 */
export interface FailFast {
  /**
   * The seats for which a catalog waits that may have one of them, rather than go to this seat; `undefined` when it has
   * room whatever failed there. Good until the next call.
   */
  readonly preferredTo: (seat: number) => SeatMask | undefined
}

/** Only within the table's lock. */
export function createFailFast(capacity: Pick<Capacity, 'room' | 'failed' | 'takesWork'>): FailFast {
  const mask = new Int32Array(MASK_SIZE)
  return {
    preferredTo(seat) {
      // With room for more than failed there, it is as good as one where none did.
      const fewer = capacity.failed(seat) - capacity.room(seat)
      if (fewer < 0) return undefined
      mask.fill(0)
      for (let other = 0; other < seatCount; other++) {
        if (capacity.takesWork(other) && capacity.failed(other) <= fewer)
          mask[other >>> 5] = (mask[other >>> 5] as number) | (1 << (other & 31))
      }
      return mask
    }
  }
}

import type { SeatMask } from '../../src/model/seat-mask.ts'

/** The seats of a mask. */
export function seatsIn(mask: SeatMask): readonly number[] {
  const seats: number[] = []
  mask.forEach((word, index) => {
    for (let rest = word; rest !== 0; rest &= rest - 1) seats.push(32 * index + 31 - Math.clz32(rest & -rest))
  })
  return seats
}

import { seatCount } from './master.ts'

/** Seats, a bit each, in words of 32: seat 33 is bit 1 of word 1. Made once and never changed. */
export type SeatMask = Int32Array

/** The mask of some seats. */
export function maskOf(seats: readonly number[]): SeatMask {
  const mask = new Int32Array(seatCount / 32)
  for (const seat of seats) mask[seat >> 5] = (mask[seat >> 5] as number) | (1 << (seat & 31))
  return mask
}

export function isEmptyMask(mask: SeatMask): boolean {
  return mask.every(word => word === 0)
}

export function isSameMask(a: SeatMask, b: SeatMask): boolean {
  return a === b || a.every((word, index) => word === b[index])
}

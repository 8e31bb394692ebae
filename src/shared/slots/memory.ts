import { seatCount } from '../../model/master.ts'
import { ENTRY_SIZE, HEADER_SIZE, rankCount, SEAT_SIZE, WORKER_SIZE } from './layout.ts'
import type { SlotTableSize } from './types.ts'

/** The slot table's memory, cut into its parts. Times need 64 bits; they lie in front, where they are aligned. */
export interface SlotMemory {
  readonly buffer: SharedArrayBuffer
  /** When each ticket is due. */
  readonly dueMs: Float64Array
  /** How long a request of each rank took lately. */
  readonly meansMs: Float64Array
  readonly lightEndedAtMs: Float64Array
  readonly gapsMs: Float64Array
  readonly cells: Int32Array
  /** Where the cells of seats and those of workers begin. */
  readonly seatsAt: number
  readonly workersAt: number
}

/** In a new buffer, or in one that another thread made with the same size. */
export function mapSlotMemory({ workers, entries }: SlotTableSize, shared?: SharedArrayBuffer): SlotMemory {
  const tickets = workers * entries
  const workersAt = HEADER_SIZE + seatCount * SEAT_SIZE
  const lengths = [tickets, rankCount, seatCount, seatCount]
  const times = lengths.reduce((sum, length) => sum + length, 0)
  const cellsAt = times * Float64Array.BYTES_PER_ELEMENT
  const cellCount = workersAt + workers * WORKER_SIZE + tickets * ENTRY_SIZE
  const buffer = shared ?? new SharedArrayBuffer(cellsAt + cellCount * Int32Array.BYTES_PER_ELEMENT)
  let at = 0
  const [dueMs, meansMs, lightEndedAtMs, gapsMs] = lengths.map(length => {
    const part = new Float64Array(buffer, at, length)
    at += part.byteLength
    return part
  }) as [Float64Array, Float64Array, Float64Array, Float64Array]
  if (!shared) lightEndedAtMs.fill(Number.NEGATIVE_INFINITY)
  const cells = new Int32Array(buffer, cellsAt)
  return { buffer, dueMs, meansMs, lightEndedAtMs, gapsMs, cells, seatsAt: HEADER_SIZE, workersAt }
}

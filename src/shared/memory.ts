import type { SharedMemory } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Boot } from '../model/settings.ts'
import { type Board, createBoard } from './board.ts'
import { createPinTable, type PinTable } from './pins.ts'
import { sizesOf } from './sizes.ts'
import { createSlotTable } from './slots/table.ts'
import type { SlotTable } from './slots/types.ts'
import { createTurns, type Turns } from './turns.ts'

/** All that the threads of a process share. */
export interface OpenMemory {
  readonly board: Board
  readonly slots: SlotTable
  readonly pins: PinTable
  readonly turns: Turns
  /** For another thread to open the same. */
  readonly buffers: SharedMemory
}

/** Makes the memory, or opens what another thread of the same boot has made. */
export function openMemory(
  boot: Boot,
  runtime: Pick<Runtime, 'now' | 'schedule'>,
  shared?: SharedMemory
): OpenMemory {
  const sizes = sizesOf(boot)
  const board = createBoard(sizes, shared?.board)
  const slots = createSlotTable(sizes.slots, runtime, shared?.slots)
  const pins = createPinTable(sizes.pins, shared?.pins)
  const turns = createTurns({ workers: sizes.workers, schedule: runtime.schedule }, shared?.turns)
  const buffers = { board: board.buffer, slots: slots.buffer, pins: pins.buffer, turns: turns.buffer }
  return { board, slots, pins, turns, buffers }
}

import type { SharedMemory } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Boot } from '../model/settings.ts'
import { type Board, createBoard } from './board.ts'
import { type ConnectionTable, createConnectionTable } from './connections.ts'
import { createPinTable, type PinTable } from './pins.ts'
import { sizesOf } from './sizes.ts'
import { createSlotTable } from './slots/table.ts'
import type { SlotTable } from './slots/types.ts'
import { createTurns, type Turns } from './turns.ts'

/** All tables that the planes share. */
export interface SharedTables {
  readonly board: Board
  readonly slots: SlotTable
  readonly pins: PinTable
  readonly turns: Turns
  readonly connections: ConnectionTable
  /** What other threads open the same tables with. */
  readonly buffers: SharedMemory
  /**
   * Forgets in every table what a worker that died held, its locks included. For the control plane, which starts a
   * successor with the same number only when this has resolved.
   */
  readonly removeWorker: (worker: number) => Promise<void>
}

type Deps = Pick<Runtime, 'now' | 'schedule' | 'random'>

/** New tables: for the control plane. */
export function createSharedMemory(boot: Pick<Boot, 'listen'>, deps: Deps): SharedTables {
  return tablesOf(boot, deps, undefined)
}

/** The tables that another thread made, with the same `boot`. */
export function openSharedMemory(boot: Pick<Boot, 'listen'>, deps: Deps, memory: SharedMemory): SharedTables {
  return tablesOf(boot, deps, memory)
}

function tablesOf(
  boot: Pick<Boot, 'listen'>,
  { now, schedule, random }: Deps,
  memory: SharedMemory | undefined
): SharedTables {
  const { workers, slots: slotSize, pins: pinSize, connections: connectionSize } = sizesOf(boot)
  const board = createBoard({ workers }, memory?.board)
  const slots = createSlotTable(slotSize, { now, schedule }, memory?.slots)
  const pins = createPinTable(pinSize, memory?.pins)
  const turns = createTurns({ workers, schedule }, memory?.turns)
  const connections = createConnectionTable(connectionSize, random, memory?.connections)
  return Object.freeze({
    board,
    slots,
    pins,
    turns,
    connections,
    buffers: {
      board: board.buffer,
      slots: slots.buffer,
      pins: pins.buffer,
      turns: turns.buffer,
      connections: connections.buffers
    },
    async removeWorker(worker: number) {
      board.wipe(worker)
      connections.wipe(worker)
      await Promise.all([slots.removeWorker(worker), turns.removeWorker(worker)])
    }
  })
}

import type { SharedMemory } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Boot } from '../model/settings.ts'
import { type Arrivals, createArrivals } from './arrivals.ts'
import { type Board, createBoard } from './board.ts'
import { type BodyMemory, createBodyMemory } from './body-memory.ts'
import { type CompileTimes, createCompileTimes } from './compile-times.ts'
import { type ConnectionTable, createConnectionTable } from './connections.ts'
import { createHeartbeats, type Heartbeats } from './heartbeats.ts'
import { createPinTable, type PinTable } from './pins.ts'
import { createResultTable, type ResultTable } from './results.ts'
import { createReturnTurns, type ReturnTurns } from './return-turns.ts'
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
  readonly bodies: BodyMemory
  readonly returns: ReturnTurns
  readonly results: ResultTable
  readonly compileTimes: CompileTimes
  readonly arrivals: Arrivals
  /** Of the hash by which certnames are counted. */
  readonly seed: number
  readonly connections: ConnectionTable
  readonly heartbeats: Heartbeats
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
  const bodies = createBodyMemory({ workers, schedule }, memory?.bodies)
  const returns = createReturnTurns({ workers, schedule }, memory?.returns)
  const results = createResultTable(memory?.results)
  const compileTimes = createCompileTimes(memory?.compileTimes)
  const arrivals = createArrivals(memory?.arrivals)
  const connections = createConnectionTable(connectionSize, random, memory?.connections)
  const heartbeats = createHeartbeats({ workers }, memory?.heartbeats)
  const seed = memory?.seed ?? Math.floor(random() * 2 ** 32)
  return Object.freeze({
    board,
    slots,
    pins,
    turns,
    bodies,
    returns,
    results,
    compileTimes,
    arrivals,
    connections,
    heartbeats,
    seed,
    buffers: {
      board: board.buffer,
      slots: slots.buffer,
      pins: pins.buffer,
      turns: turns.buffer,
      bodies: bodies.buffer,
      returns: returns.buffer,
      results: results.buffer,
      compileTimes: compileTimes.buffer,
      arrivals: arrivals.buffer,
      connections: connections.buffers,
      heartbeats: heartbeats.buffer,
      seed
    },
    async removeWorker(worker: number) {
      board.wipe(worker)
      connections.wipe(worker)
      await Promise.all([slots, turns, bodies, returns].map(table => table.removeWorker(worker)))
    }
  })
}

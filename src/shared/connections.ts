import type { SharedMemory } from '../model/messages.ts'
import { createTally, type Tally } from './tally.ts'

/**
 * What is counted for each worker. `open`: connections of agents. `raw`: of those, that are passed on as they are.
 * `secured`: of the others, whose handshake has ended.
 * `active`: of those, with a request. `upstream`: connections to masters. `strangers`: connections that may be closed
 * to make room for others. `asked`: how many of those another worker has asked it to close. `unbelieved` and `limited` only
 * grow: requests whose certificate was refused, and what was refused at a limit.
 */
const counters = [
  'open',
  'raw',
  'secured',
  'active',
  'upstream',
  'strangers',
  'asked',
  'unbelieved',
  'limited'
] as const
export type ConnectionCounter = (typeof counters)[number]

/** Where in a row stands from when on a stranger's request makes room: the low 32 bits of milliseconds, or 0. */
const OVERDUE_AT = counters.length

/** Rows that differ by a cache line are written by different processors without hindering each other. */
const ROW = 16

/**
 * The connections of all workers, counted in memory that every thread sees. Each worker writes only its own row,
 * `asked` apart, so a row can be wiped when its worker dies.
 */
export interface ConnectionTable {
  /** Shared with workers as they are. */
  readonly buffers: ConnectionBuffers
  /** By network of the agent: an IPv4 address, or the first 64 bits of an IPv6 address. */
  readonly addresses: Tally
  /** By verified certname. */
  readonly certnames: Tally
  readonly count: (worker: number, counter: ConnectionCounter, change: number) => void
  /** Over all workers. */
  readonly sum: (counter: ConnectionCounter) => number
  /** From when on a stranger whose request is under way may be closed as if it were idle; `undefined`: there is none. */
  readonly setOverdueAt: (worker: number, atMs: number | undefined) => void
  /**
   * Asks some other worker that has a stranger to close one. False when none has. One at a time where all it has are those
   * whose requests take too long.
   */
  readonly askOthers: (worker: number, nowMs: number) => boolean
  /** Calls `close` with how many strangers to close whenever others ask; the result ends that. */
  readonly onAsked: (worker: number, close: (count: number) => void) => () => void
  /** Forgets what a worker had open; for one that died. */
  readonly wipe: (worker: number) => void
}

type ConnectionBuffers = SharedMemory['connections']

/** Rows for `workers` workers, in new buffers or in shared ones. */
export function createConnectionTable(
  { workers, cells }: { readonly workers: number; readonly cells: number },
  random: () => number,
  shared?: ConnectionBuffers
): ConnectionTable {
  const counts = shared?.counts ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * workers * ROW)
  const rows = new Int32Array(counts)
  const addresses = createTally({ workers, cells }, random, shared?.addresses)
  const certnames = createTally({ workers, cells }, random, shared?.certnames)
  const at = (worker: number, counter: ConnectionCounter) => worker * ROW + counters.indexOf(counter)
  const read = (worker: number, counter: ConnectionCounter) => Atomics.load(rows, at(worker, counter))

  function hasOverdue(worker: number, nowMs: number): boolean {
    const at = Atomics.load(rows, worker * ROW + OVERDUE_AT)
    return at !== 0 && ((Math.floor(nowMs) - at) | 0) >= 0
  }

  return Object.freeze({
    buffers: { counts, addresses: addresses.buffer, certnames: certnames.buffer },
    addresses,
    certnames,
    count(worker: number, counter: ConnectionCounter, change: number) {
      Atomics.add(rows, at(worker, counter), change)
    },
    sum(counter: ConnectionCounter) {
      let total = 0
      for (let worker = 0; worker < workers; worker++) total += read(worker, counter)
      return total
    },
    setOverdueAt(worker: number, atMs: number | undefined) {
      Atomics.store(rows, worker * ROW + OVERDUE_AT, atMs === undefined ? 0 : Math.ceil(atMs) | 0 || 1)
    },
    askOthers(worker: number, nowMs: number) {
      for (let step = 1; step < workers; step++) {
        const other = (worker + step) % workers
        if (read(other, 'asked') >= read(other, 'strangers') + (hasOverdue(other, nowMs) ? 1 : 0)) continue
        Atomics.add(rows, at(other, 'asked'), 1)
        Atomics.notify(rows, at(other, 'asked'))
        return true
      }
      return false
    },
    onAsked(worker: number, close: (count: number) => void) {
      const cell = at(worker, 'asked')
      let stopped = false
      async function listen(): Promise<void> {
        while (!stopped) {
          await Atomics.waitAsync(rows, cell, 0).value
          if (!stopped) close(Atomics.exchange(rows, cell, 0))
        }
      }
      void listen()
      return () => {
        stopped = true
        Atomics.notify(rows, cell)
      }
    },
    wipe(worker: number) {
      rows.fill(0, worker * ROW, (worker + 1) * ROW)
      addresses.wipe(worker)
      certnames.wipe(worker)
    }
  })
}

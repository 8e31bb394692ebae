import { seatCount } from '../model/master.ts'

/**
 * What masters did with what agents asked of them. `given` and `failed`: a catalog. `answered` and `lost`: any request
 * that needs a JRuby, whatever the answer said. Faults of the agent and of our own are none of these.
 */
export const results = ['given', 'failed', 'answered', 'lost'] as const
export type Result = (typeof results)[number]

/** Agents by the hash of their certnames, a bit each: counted once however often they ask. Two may share a bit. */
export type AgentBits = Int32Array

/** Words of a set of agents. Of a hundred agents so counted five share a bit, of a thousand four hundred. */
export const AGENT_WORDS = 32
const AGENT_BITS = AGENT_WORDS * 32

/** Agents by the last results at a seat, and the last status that a catalog failed with. */
export interface SeatResults {
  readonly agents: Readonly<Record<Result, AgentBits>>
  /** 0 when the last one failed without an answer. */
  readonly lastStatus: number
}

/**
 * Results at each seat, over all workers: how many, and with how many different agents. Written without a lock, by each
 * attempt at a master that showed something about it.
 */
export interface ResultTable {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /**
   * `agent`: whatever tells one from another; 0 for one that is not told apart, who is not among the agents.
   * `status`: of a catalog that failed; 0 for no answer.
   */
  readonly add: (seat: number, result: Result, agent: number, status?: number) => void
  /** All there were since the seat was reset. Wraps around: compare by differences. */
  readonly total: (seat: number, result: Result) => number
  /** The agents since the last call for this seat; for the control plane alone. */
  readonly drain: (seat: number) => SeatResults
  /** For the next occupant. */
  readonly reset: (seat: number) => void
}

/** Cells of a seat: a total for each result, the last status, and behind them the agents by result. */
const STATUS = results.length
const AGENTS = 16
const SEAT_SIZE = AGENTS + results.length * AGENT_WORDS

/** Results in a new buffer or in a shared one. */
export function createResultTable(shared?: SharedArrayBuffer): ResultTable {
  const buffer = shared ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * seatCount * SEAT_SIZE)
  const cells = new Int32Array(buffer)
  const totalAt = (seat: number, result: Result) => seat * SEAT_SIZE + results.indexOf(result)
  const agentsAt = (seat: number, result: Result) =>
    seat * SEAT_SIZE + AGENTS + results.indexOf(result) * AGENT_WORDS

  function drainAgents(seat: number, result: Result): AgentBits {
    const at = agentsAt(seat, result)
    return Int32Array.from({ length: AGENT_WORDS }, (_, word) => Atomics.exchange(cells, at + word, 0))
  }

  return Object.freeze({
    buffer,
    add(seat: number, result: Result, agent: number, status?: number) {
      Atomics.add(cells, totalAt(seat, result), 1)
      if (status !== undefined) Atomics.store(cells, seat * SEAT_SIZE + STATUS, status)
      if (agent === 0) return
      const bit = agent % AGENT_BITS
      Atomics.or(cells, agentsAt(seat, result) + (bit >>> 5), 1 << (bit & 31))
    },
    total: (seat: number, result: Result) => Atomics.load(cells, totalAt(seat, result)),
    drain: (seat: number) => ({
      agents: {
        given: drainAgents(seat, 'given'),
        failed: drainAgents(seat, 'failed'),
        answered: drainAgents(seat, 'answered'),
        lost: drainAgents(seat, 'lost')
      },
      lastStatus: Atomics.load(cells, seat * SEAT_SIZE + STATUS)
    }),
    reset(seat: number) {
      for (let at = seat * SEAT_SIZE; at < (seat + 1) * SEAT_SIZE; at++) Atomics.store(cells, at, 0)
    }
  })
}

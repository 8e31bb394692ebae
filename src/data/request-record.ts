import type { Rule } from '../model/explanation.ts'
import type { Master } from '../model/snapshot.ts'
import type { EndpointClass } from '../puppet/endpoint.ts'

/** What the books on a request tell, while they are open and after. */
export interface Told {
  readonly remote: string | undefined
  readonly certname: string | undefined
  readonly class: EndpointClass
  readonly queueMs: number
  readonly status?: number | undefined
  /** `undefined` until it is over. */
  readonly durationMs?: number | undefined
  readonly end: string | undefined
}

/** One master's turn, while it lasts and after. */
export interface Turn {
  readonly master: string
  readonly sinceMs: number
  end: string | undefined
  ms: number
}

/** What is kept of one request. It must not hold on to sockets or bodies once the request is over. */
export interface Decision {
  readonly id: string
  readonly sinceMs: number
  /** The books themselves while they are open, afterwards what was in them. */
  told: Told
  rule: Rule
  /** Index of a master, or -1. */
  pinned: number
  tier: readonly Master[]
  /** Waits for a JRuby since; `undefined` when it does not. */
  waitsSinceMs: number | undefined
  readonly turns: Turn[]
  /** Its place in the ring, where the tier's numbers are. */
  readonly place: number
}

/** What is known of a request before anything is. */
export function newDecision(id: string, place: number, sinceMs: number): Decision {
  return {
    id,
    sinceMs,
    told: nothing,
    rule: 'none',
    pinned: -1,
    tier: nobody,
    waitsSinceMs: undefined,
    turns: [],
    place
  }
}

/** A master's turn at a request begins. */
export function beginTurn(decision: Decision, master: Master, sinceMs: number): Turn {
  const turn: Turn = { master: master.name, sinceMs, end: undefined, ms: 0 }
  decision.turns.push(turn)
  return turn
}

/** A turn ends: how, and after how long. */
export function endTurn(turn: Turn | undefined, end: string, ms: number): void {
  if (!turn) return
  turn.end = end
  turn.ms = ms
}

/** To a tenth of a millisecond. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

const nobody: readonly Master[] = Object.freeze([])
const nothing: Told = Object.freeze({
  remote: undefined,
  certname: undefined,
  class: 'other',
  queueMs: 0,
  end: undefined
})

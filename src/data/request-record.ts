import type { Goal } from '../balance/routes.ts'
import { firstTurns } from '../model/explanation.ts'
import type { Master } from '../model/master.ts'
import { isIn } from '../model/pool.ts'
import type { RouteSettings } from '../model/route.ts'
import type { EndpointClass } from '../puppet/endpoint.ts'

/** What the books on a request tell, while they are open and after. */
export interface RequestSummary {
  readonly remote: string | undefined
  readonly certname: string | undefined
  readonly class: EndpointClass
  readonly queueMs: number
  readonly status?: number | undefined
  /** `undefined` until it is over. */
  readonly durationMs?: number | undefined
  readonly end: string | undefined
  /** Of an answer of the balancer's own: what its code does not say. */
  readonly cause?: string | undefined
}

/** One master's turn, while it lasts and after. */
export interface Turn {
  readonly master: string
  readonly sinceMs: number
  end: string | undefined
  ms: number
}

/** What is kept of one request. It must not hold on to sockets or bodies once the request is over. */
export interface RequestRecord {
  readonly id: string
  readonly sinceMs: number
  /** The books themselves while they are open, afterwards what was in them. */
  summary: RequestSummary
  /** As in `Rule`, `policy` being replaced by the name of the policy. */
  rule: string
  /** Name of the master its run was pinned to. */
  pinned: string | undefined
  /** Where the routes send it, and which one says so. `undefined`: there are none, or none took it. */
  goal: Goal | undefined
  route: RouteSettings | undefined
  /** The pool that was to serve it when its first master was chosen; once one of another has it, the pool of that. */
  pool: string | undefined
  /** The best tier when its first master was chosen, and numbers of each. */
  tier: readonly Master[]
  numbers: readonly number[]
  /** Waits for a JRuby since; `undefined` when it does not. */
  waitsSinceMs: number | undefined
  turns: Turn[]
  /** How many more there were, behind the first `firstTurns`. */
  turnsLeftOut: number
}

/** One that waits for its masters for minutes has many turns: so many are kept, the first few and then the last. */
const MOST_TURNS = 32

/**
 * A class, and no literal: V8 learns that records live long and then makes literals old at once, together with all that is
 * stored into them where they are made. That would be the request, which does not live long.
 */
class NewRecord implements RequestRecord {
  readonly id: string
  readonly sinceMs: number
  summary = nothing
  rule = 'none'
  pinned: string | undefined = undefined
  goal: Goal | undefined = undefined
  route: RouteSettings | undefined = undefined
  pool: string | undefined = undefined
  tier = nobody
  numbers: readonly number[] = none
  waitsSinceMs: number | undefined = undefined
  turns: Turn[] = none
  turnsLeftOut = 0

  constructor(id: string, sinceMs: number) {
    this.id = id
    this.sinceMs = sinceMs
  }
}

/** What is known of a request before anything is. */
export function newRecord(id: string, sinceMs: number): RequestRecord {
  return new NewRecord(id, sinceMs)
}

/** A master's turn at a request begins. */
export function beginTurn(record: RequestRecord, master: Master, sinceMs: number): Turn {
  const turn: Turn = { master: master.name, sinceMs, end: undefined, ms: 0 }
  if (record.turns.length === MOST_TURNS) {
    record.turns.splice(firstTurns, 1)
    record.turnsLeftOut++
  }
  if (record.pool !== undefined) record.pool = poolWith(master, record.goal, record.pool)
  if (record.turns === none) record.turns = [turn]
  else record.turns.push(turn)
  return turn
}

/** Of the pools that may serve a goal the one that a master is of: `now`, if it is. */
function poolWith(master: Master, goal: Goal | undefined, now: string): string {
  if (isIn(master, now)) return now
  return [goal?.pool, goal?.otherwise].find(pool => pool !== undefined && isIn(master, pool)) ?? now
}

/** The pool that metrics count it for: until a master was chosen, the one where its route leads. */
export function countedPool({ pool, goal }: Pick<RequestRecord, 'pool' | 'goal'>): string | undefined {
  return pool ?? goal?.pool
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

/** Thousands of records are kept: an array that has been pushed to has room for sixteen more. */
const none: never[] = []
const nobody: readonly Master[] = Object.freeze([])
const nothing: RequestSummary = Object.freeze({
  remote: undefined,
  certname: undefined,
  class: 'other',
  queueMs: 0,
  end: undefined
})

import type { RunPart } from '../../model/agents.ts'
import type { GivenTurns } from '../../shared/return-turns.ts'
import type { Agent } from '../agents/agent.ts'

/** So many of something, by the key of their master (`keyOf`). What is left out is none. */
export type Held = Readonly<Record<string, number>>

/** What a process has at masters. */
export interface Holdings {
  /** JRubies. */
  readonly jrubies: Held
  /** Connections of raw TCP. */
  readonly connections: Held
}

/**
 * Pins of runs as they cross to another process, where ids are others: a master is its place in `keys`. Times are on the
 * clock of the sender, which says what time it is there.
 */
export interface CarriedPins {
  readonly nowMs: number
  readonly keys: readonly string[]
  readonly pins: readonly CarriedPin[]
  /** Pins that were told before and hold no more. */
  readonly dropped: readonly CarriedPin[]
}

export type CarriedPin = readonly [hash: number, check: number, key: number, endsAtS: number, episode: number]

/** What of a process must outlive it, and is learnt only with time or from people. */
export interface Carried {
  /** What operators said of masters, as the overlay file has it. */
  readonly overlay: string
  readonly nowMs: number
  /** When agents that were sent away are to be back. */
  readonly turns: GivenTurns['turns']
  /** What is known of the queue of each pool, by its name: the numbers of queues are others in another process. */
  readonly queues: Readonly<Record<string, CarriedQueue>>
}

/** What is known of the queue of a pool. */
export interface CarriedQueue {
  /** The last turn that was given. */
  readonly lastTurnMs: number
  /** How long requests take, by rank. */
  readonly meansMs: readonly number[]
}

/** The first thing that the one that runs tells. */
export interface PredecessorState extends Carried {
  readonly version: string
  readonly pid: number
  readonly listen: {
    readonly host: string
    readonly port: number
    /** For raw TCP, in the order of `listen.tcp`. */
    readonly tcpPorts: readonly number[]
  }
  /** The port that it has, whatever its configuration says. */
  readonly adminPort: number
  readonly held: Holdings
}

/** What the one that is taken over from tells. Each `held` is whole, and comes at least once a second. */
export type FromPredecessor =
  | ({ readonly type: 'state' } & PredecessorState)
  | { readonly type: 'held'; readonly held: Holdings }
  | ({ readonly type: 'pins' } & CarriedPins)
  /** What is known of agents, some at a time, and what is seen of them from then on. */
  | { readonly type: 'agents'; readonly agents: readonly Agent[] }
  | { readonly type: 'runs'; readonly parts: readonly RunPart[] }
  /** Its admin port is free; nobody changes what is carried any more. */
  | ({ readonly type: 'released' } & Carried)
  | { readonly type: 'ended'; readonly cut: number }

/** What the one that takes over tells. */
export type FromSuccessor =
  /** `waits`: the pools for whose JRubies requests wait there. */
  | { readonly type: 'held'; readonly held: Holdings; readonly waits: readonly string[] }
  /** It goes by the pins that it was told first of all that it has not said so of. */
  | { readonly type: 'pins-taken' }
  /** It listens where agents connect, and wants the admin listener now. */
  | { readonly type: 'release' }
  /** It has all it wants: the other one may drain. */
  | { readonly type: 'serving' }

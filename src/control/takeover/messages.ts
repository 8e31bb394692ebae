import type { GivenTurns } from '../../shared/return-turns.ts'

/** JRubies that a process holds, by the key of their master (`keyOf`). What is left out is none. */
export type Held = Readonly<Record<string, number>>

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

export type CarriedPin = readonly [hash: number, check: number, key: number, endsAtS: number]

/** What of a process must outlive it, and is learnt only with time or from people. */
export interface Carried {
  /** What operators said of masters, as the overlay file has it. */
  readonly overlay: string
  readonly nowMs: number
  readonly turns: GivenTurns
  /** How long requests take, by rank. */
  readonly meansMs: readonly number[]
}

/** The first thing that the one that runs tells. */
export interface PredecessorState extends Carried {
  readonly version: string
  readonly pid: number
  readonly listen: { readonly host: string; readonly port: number }
  /** The port that it has, whatever its configuration says. */
  readonly adminPort: number
  readonly held: Held
}

/** What the one that is taken over from tells. Each `held` is whole, and comes at least once a second. */
export type FromPredecessor =
  | ({ readonly type: 'state' } & PredecessorState)
  | { readonly type: 'held'; readonly held: Held }
  | ({ readonly type: 'pins' } & CarriedPins)
  /** Its admin port is free; nobody changes what is carried any more. */
  | ({ readonly type: 'released' } & Carried)
  | { readonly type: 'ended'; readonly cut: number }

/** What the one that takes over tells. */
export type FromSuccessor =
  /** `waits`: whether requests wait there for a JRuby. */
  | { readonly type: 'held'; readonly held: Held; readonly waits: boolean }
  /** It listens where agents connect, and wants the admin listener now. */
  | { readonly type: 'release' }
  /** It has all it wants: the other one may drain. */
  | { readonly type: 'serving' }

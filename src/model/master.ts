import type { Pooled } from './pool.ts'

/**
 * A seat is a place in every table of shared memory, and a master that is a member sits on one. There are more than twice
 * as many as there may be masters and a CA, so that all of them can be replaced while the old ones end their work. A
 * multiple of 32: sets of seats are words of bits.
 */
export const seatCount = 288

/** Epochs of a seat before ids begin anew: so many that an id fits 31 bits. */
const EPOCHS = Math.floor(2 ** 31 / seatCount)

/**
 * What a master is wanted for. `draining`: takes no new runs and ends those it has, because an operator says so.
 * `maint`: takes nothing and is not probed, because an operator says so. `leaving`: is no member any more, and ends its
 * work.
 */
export const masterModes = ['active', 'draining', 'maint', 'leaving'] as const
export type MasterMode = (typeof masterModes)[number]

/**
 * Who says that a master is a member. `file`: its entry in the configuration. `srv`: an SRV record. `addresses`: an
 * address of a name whose entry says `resolve: all`.
 */
export const memberSources = ['file', 'srv', 'addresses'] as const
export type MemberSource = (typeof memberSources)[number]

/** A Puppet Server as a member of the roster. Replaced, never edited. */
export interface Master extends Pooled {
  readonly name: string
  /** Origin, `https://host:port` or `http://host:port`. */
  readonly url: string
  readonly source: MemberSource
  /** Where to connect to: IP addresses, tried in this order. Empty while none is known. */
  readonly addresses: readonly string[]
  /**
   * Names this member as long as it is one: its name and URL keep the id over every reload. Holds the seat and an
   * epoch of the seat, so that what is still remembered of who sat there before never means this one. Fits 31 bits.
   */
  readonly id: number
  readonly seat: number
  /** 0 takes no new runs. */
  readonly weight: number
  readonly priority: number
  /** JRubies the configuration says it has; otherwise its own word is taken. */
  readonly capacity?: number | undefined
  readonly mode: MasterMode
}

/** Whether new runs may be given to a master that can serve. */
export function takesNewRuns({ mode, weight }: Pick<Master, 'mode' | 'weight'>): boolean {
  return mode === 'active' && weight > 0
}

/** The id of whoever sits on a seat in an epoch. */
export function idOf(seat: number, epoch: number): number {
  return (epoch % EPOCHS) * seatCount + seat
}

/** The seat that an id speaks of. */
export function seatOf(id: number): number {
  return id % seatCount
}

/** Why a master is or is not given work. */
export const masterStates = ['unknown', 'up', 'down', 'ejected', 'warming', 'silent'] as const
export type MasterState = (typeof masterStates)[number]

/** Whether a master in this state does not answer its health checks. */
export function isOut(state: string): boolean {
  return state === 'down' || state === 'unknown' || state === 'silent'
}

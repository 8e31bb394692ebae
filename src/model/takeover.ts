import type { Duplex } from 'node:stream'

/** What both processes of a takeover speak, as a token of HTTP's `Upgrade`. Another form of it gets another number. */
export const takeoverProtocol = 'puppet-lb-takeover/2'
/** Where it is asked for at the admin listener, with POST. */
export const takeoverPath = '/api/takeover'

/** Who asks to take over, for the log. */
export interface TakeoverAsk {
  /** How it asked. */
  readonly asker: string
  /** The id of the process, as it says. */
  readonly pid: number
  /** Of its program, as it says. */
  readonly version: string
}

/** Why nobody can take over now: one sentence, with a status of HTTP. */
export interface TakeoverRefusal {
  readonly status: number
  readonly sentence: string
}

/** Begins to hand over to whoever is at the other end of a stream; the stream is not touched when that is refused. */
export type HandOver = (ask: TakeoverAsk) => TakeoverRefusal | ((stream: Duplex) => void)

/** Another process is just taking over: what would be changed here would be lost. */
export class TakenOverError extends Error {
  override readonly name = 'TakenOverError'
  /** Of HTTP. */
  readonly statusCode = 503

  constructor() {
    super('Another process takes over from this one at this moment: ask again.')
  }
}

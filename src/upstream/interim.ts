import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** Where the digits of the status stand in `HTTP/1.1 100`. */
const STATUS = { first: 9, last: 11 } as const
const DIGIT = { zero: 0x30, one: 0x31, two: 0x32 } as const
const headEnd = Buffer.from('\r\n\r\n')

/** Looks through the words before one answer. */
export interface InterimFilter {
  /** A request goes out: what comes next is the head of its answer, or a word before it. */
  readonly begin: () => void
  /** What has come, changed in place. */
  readonly pass: (chunk: Buffer) => void
}

/**
 * Makes 102 (Processing) of every 100 (Continue) that comes before an answer. Any client has to pass over either, asked
 * for or not (RFC 9110, section 15.2); undici does so with all but 100, at which it ends the connection.
 */
export function createInterimFilter(): InterimFilter {
  /** In the first bytes of a head; behind them in one that is interim; or where nothing is looked at. */
  let place: 'status' | 'rest' | 'none' = 'none'
  /** Of the status line, or of the end of the head. */
  let seen = 0
  let isZero = false

  function onStatus(chunk: Buffer, at: number): void {
    const byte = chunk[at]
    // A parser passes over empty lines before a head.
    if (seen === 0 && (byte === headEnd[0] || byte === headEnd[1])) return
    if (seen === STATUS.first && byte !== DIGIT.one) place = 'none'
    else if (seen === STATUS.last - 1) isZero = byte === DIGIT.zero
    else if (seen === STATUS.last) {
      if (isZero && byte === DIGIT.zero) chunk[at] = DIGIT.two
      place = 'rest'
      seen = 0
      return
    }
    seen++
  }

  function onRest(byte: number | undefined): void {
    if (byte === headEnd[seen]) seen++
    else seen = byte === headEnd[0] ? 1 : 0
    if (seen < headEnd.length) return
    place = 'status'
    seen = 0
  }

  return {
    begin() {
      place = 'status'
      seen = 0
    },
    pass(chunk) {
      for (let at = 0; at < chunk.length && place !== 'none'; at++)
        if (place === 'status') onStatus(chunk, at)
        else onRest(chunk[at])
    }
  }
}

const filters = new WeakMap<object, InterimFilter>()
// undici tells it in no other way (https://undici.nodejs.org/#/docs/api/DiagnosticsChannel).
subscribe('undici:client:sendHeaders', message =>
  filters.get((message as { readonly socket: object }).socket)?.begin()
)

/** For a connection to a master, before undici has it; one request at a time. */
export function passOverContinue(socket: Socket): void {
  const filter = createInterimFilter()
  filters.set(socket, filter)
  const read = socket.read.bind(socket)
  socket.read = (size?: number) => {
    const chunk = read(size)
    if (chunk !== null) filter.pass(chunk)
    return chunk
  }
}

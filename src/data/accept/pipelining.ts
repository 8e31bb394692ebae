import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Runtime } from '../../model/runtime.ts'
import { takenOf, UNREAD_MS } from '../http/back-pressure.ts'

/** Requests that may stand behind the one that is served before nothing more is read from their connection. */
const MOST_WAITING = 16

type Serve = (request: IncomingMessage, response: ServerResponse) => void

/** One connection's requests. */
interface Line {
  readonly socket: Socket
  current: ServerResponse | undefined
  /** Those behind it, in the order they came. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  isPaused: boolean
  /** It has once stopped reading, and stands by to do so again. */
  standsBy: boolean
  isWatched: boolean
}

/**
 * Serves the requests of a connection one after the other, as an agent asks them. What was sent ahead is not begun, so
 * it takes nothing; what is more than a few is not even read. Only what one read had brought already, at most 64 KiB,
 * waits here as well. A connection that takes nothing of an answer while more stand behind it is cut.
 */
export function oneAtATime(serve: Serve, schedule: Runtime['schedule']): Serve {
  const lines = new WeakMap<Socket, Line>()

  function lineOf(socket: Socket): Line {
    const known = lines.get(socket)
    if (known) return known
    const line: Line = {
      socket,
      current: undefined,
      waiting: [],
      isPaused: false,
      standsBy: false,
      isWatched: false
    }
    lines.set(socket, line)
    return line
  }

  function begin(line: Line, request: IncomingMessage, response: ServerResponse): void {
    line.current = response
    response.once('close', () => goOn(line, response))
    serve(request, response)
  }

  function goOn(line: Line, done: ServerResponse): void {
    line.current = undefined
    // Behind an answer that ends its connection nobody is answered.
    if (line.socket.destroyed || done.getHeader('connection') === 'close') line.waiting.length = 0
    const next = line.waiting.shift()
    if (line.isPaused && line.waiting.length < MOST_WAITING / 2) {
      line.isPaused = false
      line.socket.resume()
    }
    if (next) begin(line, ...next)
  }

  function stopReading(line: Line): void {
    if (line.isPaused) return
    line.isPaused = true
    line.socket.pause()
    // Node reads on with the end of each request, whatever stands behind it.
    if (line.standsBy) return
    line.standsBy = true
    line.socket.on('resume', () => {
      if (line.isPaused) line.socket.pause()
    })
  }

  /** An answer that is all said and of which nothing goes out would keep its connection for ever. */
  function watch(line: Line): void {
    const { current } = line
    line.isWatched = current !== undefined
    if (!current) return
    const before = takenOf(current)
    schedule(UNREAD_MS, () => {
      const isStuck = line.current === current && current.writableEnded && takenOf(current) === before
      if (isStuck) line.socket.destroy()
      else watch(line)
    })
  }

  return (request, response) => {
    const line = lineOf(request.socket)
    if (!line.current) {
      begin(line, request, response)
      return
    }
    if (!line.isWatched) watch(line)
    line.waiting.push([request, response])
    if (line.waiting.length >= MOST_WAITING) stopReading(line)
  }
}

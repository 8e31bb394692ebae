import type { Arrival, Conversation } from './conversation.ts'

/** Requests that may stand behind the one that is served before nothing more is read from their connection. */
const MOST_WAITING = 16

/** Serves the requests of each connection one after the other. */
export interface Pipelining {
  /** A request has come: it is served now, or after those in front of it. */
  readonly arrive: (arrival: Arrival) => void
  /** An answer is over: whoever stands behind it is served. */
  readonly over: (arrival: Arrival) => void
}

/** What there is to know of a connection on which too many requests have waited. */
interface Line {
  isPaused: boolean
  /** It has once stopped reading, and stands by to do so again. */
  standsBy: boolean
}

/**
 * Serves the requests of a connection one after the other, as an agent asks them. What was sent ahead is not begun, so
 * it takes nothing; what is more than a few is not even read. Only what one read had brought already, at most 64 KiB,
 * waits here as well.
 */
export function createPipelining(serve: (arrival: Arrival) => void): Pipelining {
  /** Hardly any connection ever has one. */
  const lines = new WeakMap<Conversation, Line>()

  function lineOf(conversation: Conversation): Line {
    const known = lines.get(conversation)
    if (known) return known
    const line: Line = { isPaused: false, standsBy: false }
    lines.set(conversation, line)
    return line
  }

  function begin(conversation: Conversation, arrival: Arrival): void {
    conversation.current = arrival
    serve(arrival)
  }

  function stopReading(conversation: Conversation): void {
    const { socket } = conversation
    const line = lineOf(conversation)
    if (line.isPaused) return
    line.isPaused = true
    socket.pause()
    // Node reads on with the end of each request, whatever stands behind it.
    if (line.standsBy) return
    line.standsBy = true
    socket.on('resume', () => {
      if (line.isPaused) socket.pause()
    })
  }

  function readOn(conversation: Conversation): void {
    const line = lines.get(conversation)
    if (!line?.isPaused) return
    // The first of them is served at once.
    if (!conversation.isOver && conversation.owed.length > MOST_WAITING / 2) return
    line.isPaused = false
    conversation.socket.resume()
  }

  return {
    arrive(arrival) {
      const { conversation } = arrival
      if (!conversation.current) {
        begin(conversation, arrival)
        return
      }
      if (conversation.owed.length > MOST_WAITING) stopReading(conversation)
    },
    over({ conversation, response }) {
      if (conversation.current?.response !== response) return
      conversation.current = undefined
      // Behind an answer that ends its connection nobody is answered.
      const isLast = conversation.socket.destroyed || response.getHeader('connection') === 'close'
      if (isLast) conversation.isOver = true
      const next = isLast ? undefined : conversation.owed[0]
      readOn(conversation)
      if (next) begin(conversation, next)
    }
  }
}

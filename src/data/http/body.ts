import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** What is read ahead: facts are some 100 KB, and thousands may wait. */
const AHEAD_BYTES = 256 * 1024

/**
 * The body of a request on its way to a master. Nothing is read before a master takes the first byte, so a body
 * can be offered to one master after the other until one connects, unless it is read ahead. What was read is kept
 * up to `keepBytes`, so that it can be sent once more; beyond that it only streams.
 */
export class RequestBody {
  readonly #source: IncomingMessage
  readonly #keepBytes: number
  readonly #onRead: (bytes: number) => void
  #kept: Buffer[] | undefined = []
  #bytes = 0
  #ended = false
  #listening = false
  #current: Readable | undefined

  /** `onRead` is told of every chunk that comes from the agent. */
  constructor(source: IncomingMessage, keepBytes: number, onRead: (bytes: number) => void) {
    this.#source = source
    this.#keepBytes = keepBytes
    this.#onRead = onRead
  }

  /** Whether `open` can still give the body from its beginning. */
  get isKept(): boolean {
    return this.#kept !== undefined
  }

  /**
   * Reads the body, or its beginning, into memory while the request waits for its turn: what is not read keeps a
   * connection's end from being seen, and the request of an agent that has left would wait on.
   */
  readAhead(): void {
    if (this.#current) return
    if (!this.#listening) this.#listen()
    this.#source.resume()
  }

  /** The body from its beginning, as a stream for one attempt; a stream given before falls silent. */
  open(): Readable {
    const stream = new Readable({
      read: () => {
        if (!this.#listening) this.#listen()
        this.#source.resume()
      }
    })
    this.#current = stream
    for (const chunk of this.#kept ?? []) stream.push(chunk)
    if (this.#ended) stream.push(null)
    return stream
  }

  #listen(): void {
    this.#listening = true
    this.#source.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      this.#onRead(chunk.length)
      if (this.#bytes > this.#keepBytes) this.#kept = undefined
      else this.#kept?.push(chunk)
      // Once an attempt has failed, the agent waits until the next one reads.
      const wantsMore = this.#current
        ? !this.#current.destroyed && this.#current.push(chunk)
        : this.#bytes < AHEAD_BYTES
      if (!wantsMore) this.#source.pause()
    })
    this.#source.on('end', () => {
      this.#ended = true
      if (this.#current?.destroyed === false) this.#current.push(null)
    })
    // What the agent sent last may be unread yet and is lost with it: a master must not wait for it for ever.
    this.#source.on('close', () => {
      if (!this.#ended) this.#current?.destroy(new Error('the agent hung up'))
    })
  }
}

/** Whether a request brings a body: its framing says so, not its method. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return (length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined
}

/** Whether an agent left before it had sent all of its request. */
export function isCutShort(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete
}

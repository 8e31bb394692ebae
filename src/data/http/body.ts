import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { BodyPace } from './body-pace.ts'

/** Who is told what of a body. */
export interface BodyListener {
  /** A chunk came from the agent. */
  readonly read: (bytes: number) => void
  /** The body is in hand, or as much of it as may be; called once after `takeInHand`. */
  readonly inHand: () => void
  /** What was in hand has left memory; what still comes only passes through. Called once. */
  readonly dropped: () => void
}

/**
 * The body of a request on its way to a master. Without `takeInHand` nothing is read before a master takes the first
 * byte, so it can be offered to one master after the other until one connects, and then only streams. In hand it can
 * be given again and again from its beginning, if all of it is there; otherwise each byte leaves memory with the first
 * master that takes it.
 */
export class RequestBody {
  readonly #source: IncomingMessage
  readonly #pace: BodyPace
  readonly #listener: BodyListener
  /** What is in hand, from the first byte that was not dropped. */
  #chunks: Buffer[] = []
  /** The first chunk that the current stream has not got yet. */
  #next = 0
  #bytes = 0
  /** How much may be in hand; 0 while it only streams. */
  #handBytes = 0
  #keeps = false
  #isWhole = true
  #ended = false
  #listening = false
  #awaitsHand = false
  #isAbandoned = false
  #isDropped = false
  #current: Readable | undefined
  /** The current stream has asked for more than it has got. */
  #wants = false

  constructor(source: IncomingMessage, pace: BodyPace, listener: BodyListener) {
    this.#source = source
    this.#pace = pace
    this.#listener = listener
  }

  /** Whether `open` can still give the body from its beginning. */
  get isKept(): boolean {
    return this.#isWhole
  }

  /** Whether all of it has come and the current stream has got it. */
  get isGiven(): boolean {
    return this.#ended && this.#next === this.#chunks.length
  }

  /** Bytes that have come. */
  get bytes(): number {
    return this.#bytes
  }

  /** What is in hand of its first bytes, as far as all of it is kept; `isWhole`: nothing comes behind them. */
  head(maxBytes: number): { readonly bytes: Buffer; readonly isWhole: boolean } {
    const bytes = Buffer.concat(
      this.#isWhole ? this.#chunks : [],
      this.#isWhole ? Math.min(maxBytes, this.#bytes) : 0
    )
    return { bytes, isWhole: this.#ended && this.#isWhole && this.#bytes <= maxBytes }
  }

  /** Reads the body into memory, up to so many bytes, before any master is asked. */
  takeInHand(maxBytes: number): void {
    this.#handBytes = maxBytes
    this.#keeps = true
    this.#awaitsHand = true
    this.#resume()
  }

  /** The body from its beginning, as a stream for one attempt; a stream given before falls silent. */
  open(): Readable {
    this.#next = 0
    this.#wants = false
    this.#current = new Readable({
      read: () => {
        this.#wants = true
        this.#give()
        if (this.#wants && !this.#ended) this.#resume()
      }
    })
    return this.#current
  }

  /** It will not be asked for again: what is in hand goes with the current stream. */
  stopKeeping(): void {
    this.#keeps = false
    this.#drop()
  }

  /** Nobody wants it any more. */
  abandon(): void {
    this.#isAbandoned = true
    this.#pace.rest()
    this.#awaitsHand = false
    this.#keeps = false
    this.#isWhole = false
    this.#chunks = []
    this.#next = 0
    this.#tellDropped()
  }

  /** Gives the current stream what it wants of what is in hand. */
  #give(): void {
    const stream = this.#current
    if (!stream || stream.destroyed) return
    while (this.#wants && this.#next < this.#chunks.length) {
      this.#wants = stream.push(this.#chunks[this.#next++])
    }
    this.#drop()
    if (this.#ended && this.#next === this.#chunks.length) stream.push(null)
  }

  /** Forgets what a stream has got, unless it may have to be given again. */
  #drop(): void {
    if (this.#keeps || this.#next === 0) return
    this.#isWhole = false
    this.#chunks.splice(0, this.#next)
    this.#next = 0
    if (this.#chunks.length === 0) this.#tellDropped()
  }

  #resume(): void {
    if (!this.#listening) this.#listen()
    if (!this.#ended) this.#pace.want()
    this.#source.resume()
  }

  #pause(): void {
    this.#pace.rest()
    this.#source.pause()
  }

  #listen(): void {
    this.#listening = true
    this.#source.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#source.on('end', () => {
      this.#ended = true
      this.#pace.rest()
      this.#give()
      this.#tellInHand()
    })
    // What the agent sent last may be unread yet and is lost with it: a master must not wait for it for ever.
    this.#source.on('close', () => {
      this.#pace.rest()
      if (!this.#ended) this.#current?.destroy(new Error('the agent hung up'))
    })
  }

  #take(chunk: Buffer): void {
    if (this.#isAbandoned) return
    this.#bytes += chunk.length
    this.#pace.came(chunk.length)
    this.#listener.read(chunk.length)
    this.#chunks.push(chunk)
    // So large a body is sent once.
    if (this.#bytes > this.#handBytes) this.#keeps = false
    this.#give()
    if (this.#awaitsHand && this.#bytes < this.#handBytes) return
    // Once an attempt has failed, the agent waits until the next one reads.
    if (!this.#wants || this.#current?.destroyed) this.#pause()
    if (this.#bytes >= this.#handBytes) this.#tellInHand()
  }

  #tellDropped(): void {
    if (this.#isDropped) return
    this.#isDropped = true
    this.#listener.dropped()
  }

  #tellInHand(): void {
    if (!this.#awaitsHand) return
    this.#awaitsHand = false
    this.#pace.press()
    this.#listener.inHand()
  }
}

/** Whether a request brings a body: its framing says so, not its method. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return (length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined
}

/** Bytes of a body that its request announces; `undefined` when it comes in chunks. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

/** Whether an agent left before it had sent all of its request. */
export function isCutShort(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete
}

import type { Socket } from 'node:net'
import { errors } from 'undici'

/**
 * Bytes of the record that holds a close_notify: from TLS 1.2 with ChaCha20 (RFC 7905), which adds least, to TLS 1.2 with
 * CBC and SHA-384 (RFC 5246, section 6.2.3.2), which adds most.
 */
export const CLOSE_NOTIFY_BYTES = { fewest: 23, most: 85 } as const

/** What was seen of the end of a TLS connection since it last gave data, or a ticket to take it up again. */
export interface TlsEnd {
  /** Bytes that TCP brought. */
  readonly bytes: number
  /** It came with that, out of the same bytes. */
  readonly isAtOnce: boolean
}

/**
 * Whether the peer, or somebody between, has ended the connection without saying so in TLS (RFC 8446, section 6.1). Node
 * tells both ends alike, and OpenSSL's word is not to be had. But a close_notify is bytes: it came with the last data, or
 * behind it in a record of its own. Never true of a good end behind data. Java may give its tickets only behind an answer (88
 * bytes of JDK 21, in TLS 1.3), so that they count as data. Pure.
 */
export function isTruncated({ bytes, isAtOnce }: TlsEnd): boolean {
  if (isAtOnce) return false
  return bytes < CLOSE_NOTIFY_BYTES.fewest || bytes > CLOSE_NOTIFY_BYTES.most
}

/** Counts the turns of the event loop, as far as anybody asks. */
let turn = 0
let isTurning = false
function turnOfLoop(): number {
  if (!isTurning) {
    isTurning = true
    setImmediate(() => {
      isTurning = false
      turn++
    })
  }
  return turn
}

/**
 * Makes a TLS connection to a master that was truncated end with an error, when what came has been read. undici would
 * take its end for the end of an answer whose length nobody said (RFC 9112, section 9.8). `tcp`: what it runs over.
 */
export function tellTruncation(tls: Socket, tcp: Socket): void {
  const push = tls.push.bind(tls)
  const read = tls.read.bind(tls)
  let bytesThen = tcp.bytesRead
  let turnThen = -1
  let isCut = false

  function heard(): void {
    bytesThen = tcp.bytesRead
    turnThen = turnOfLoop()
  }

  function endIfRead(): void {
    if (isCut && tls.readableLength === 0)
      tls.destroy(new errors.SocketError('the TLS connection ended without close_notify'))
  }

  tls.on('session', heard)
  tls.push = (chunk, encoding) => {
    if (chunk !== null) {
      heard()
      return push(chunk, encoding)
    }
    isCut = isTruncated({ bytes: tcp.bytesRead - bytesThen, isAtOnce: turnThen === turnOfLoop() })
    if (!isCut) return push(null)
    endIfRead()
    return false
  }
  tls.read = (size?: number) => {
    const chunk = read(size)
    if (chunk === null) endIfRead()
    return chunk
  }
}

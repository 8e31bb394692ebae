import type { Duplex } from 'node:stream'

/** What one side of a connection has received so far, and a way to wait for more of it. */
export interface Received {
  readonly bytes: () => Buffer
  /** As Latin-1, in which every byte is one character. */
  readonly text: () => string
  /** Resolves with the text as soon as `enough` holds of it; rejects when the connection ends before. */
  readonly until: (enough: string | ((text: string) => boolean)) => Promise<string>
  /** Resolves with everything once the connection is over, in whatever way. */
  readonly end: Promise<string>
  /** Forgets what came so far, so that the next answer can be waited for. */
  readonly forget: () => void
}

export function receive(socket: Duplex): Received {
  let chunks: Buffer[] = []
  const waiting = new Set<() => void>()
  const end = Promise.withResolvers<string>()
  const bytes = () => Buffer.concat(chunks)
  const text = () => bytes().toString('latin1')

  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    for (const look of waiting) look()
  })
  // A reset is one way to end: what came before it is what the test judges.
  socket.on('error', () => {})
  socket.once('close', () => {
    end.resolve(text())
    for (const look of waiting) look()
  })

  return {
    bytes,
    text,
    until(enough) {
      const holds = typeof enough === 'string' ? (all: string) => all.includes(enough) : enough
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const look = () => {
        const all = text()
        if (holds(all)) resolve(all)
        else if (socket.destroyed) reject(new Error(`the connection ended after: ${all}`))
      }
      waiting.add(look)
      look()
      return promise.finally(() => waiting.delete(look))
    },
    end: end.promise,
    forget() {
      chunks = []
    }
  }
}

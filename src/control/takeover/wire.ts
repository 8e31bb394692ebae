import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** Nothing that is carried comes near it: the pins of every agent there may be are some MiB. */
const MAX_LINE = 64 * 1024 * 1024

/** Messages both ways over one stream: a line of JSON each. */
export interface Wire<Outgoing> {
  /** Does nothing once it has ended. */
  readonly send: (message: Outgoing) => void
  /** Sends what is left and ends it. */
  readonly close: () => void
  /** Ends it at once. */
  readonly cut: () => void
}

/** `take` gets each message, `ended` is called once. What is no message ends it: then somebody else is at the other end. */
export function createWire<Incoming extends { readonly type: string }, Outgoing>(
  stream: Duplex,
  { take, ended }: { readonly take: (message: Incoming) => void; readonly ended: () => void }
): Wire<Outgoing> {
  const decoder = new StringDecoder('utf8')
  let rest = ''

  function read(chunk: Buffer): void {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE) stream.destroy()
    for (const line of lines) {
      const message = parse(line)
      if (stream.destroyed) return
      if (message) take(message as Incoming)
      else stream.destroy()
    }
  }

  stream.on('data', read)
  // The other process is gone, which its end tells.
  stream.on('error', () => {})
  stream.on('end', () => stream.destroy())
  stream.once('close', ended)
  return {
    send(message) {
      if (stream.writable) stream.write(`${JSON.stringify(message)}\n`)
    },
    close: () => void stream.end(),
    cut: () => void stream.destroy()
  }
}

function parse(line: string): { readonly type: string } | undefined {
  try {
    const message: unknown = JSON.parse(line)
    return typeof message === 'object' && message !== null && 'type' in message
      ? (message as { readonly type: string })
      : undefined
  } catch {
    return undefined
  }
}

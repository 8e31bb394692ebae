import { Writable } from 'node:stream'
import pino, { type Logger } from 'pino'

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

/** The lines of a log as they come, and a way to wait for one. */
export interface LogLines {
  readonly lines: readonly LogLine[]
  /** Resolves with the first line, past or to come, that carries all these fields. */
  readonly line: (fields: Readonly<Record<string, unknown>>) => Promise<LogLine>
  /** Resolves with the first `count` such lines. */
  readonly atLeast: (count: number, fields: Readonly<Record<string, unknown>>) => Promise<LogLine[]>
}

export interface LogReader extends LogLines {
  /** Takes in text as it comes, whole lines or not. */
  readonly read: (text: string) => void
}

export function createLogReader(): LogReader {
  const lines: LogLine[] = []
  const waiting = new Set<() => void>()
  let rest = ''

  function atLeast(count: number, fields: Readonly<Record<string, unknown>>): Promise<LogLine[]> {
    const { promise, resolve } = Promise.withResolvers<LogLine[]>()
    const look = () => {
      const found = lines.filter(line =>
        Object.entries(fields).every(([name, value]) => line[name] === value)
      )
      if (found.length >= count) resolve(found.slice(0, count))
    }
    waiting.add(look)
    look()
    return promise.finally(() => waiting.delete(look))
  }

  return {
    lines,
    atLeast,
    line: async fields => (await atLeast(1, fields))[0] as LogLine,
    read(text) {
      const pieces = (rest + text).split('\n')
      rest = pieces.pop() ?? ''
      for (const piece of pieces) if (piece.startsWith('{')) lines.push(JSON.parse(piece) as LogLine)
      for (const look of waiting) look()
    }
  }
}

/** A log for a balancer in this process, and its lines. */
export function captureLog(): LogLines & { readonly log: Logger } {
  const reader = createLogReader()
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      reader.read(chunk.toString())
      done()
    }
  })
  const log = pino({ level: 'trace', base: null, formatters: { level: label => ({ level: label }) } }, stream)
  return { ...reader, log }
}

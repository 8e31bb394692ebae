import pino, { type Logger } from 'pino'
import type { LogLevel } from '../model/settings.ts'

/** What a pipe takes in one piece (POSIX PIPE_BUF on Linux): the threads' lines must not tear each other. */
const ATOMIC_BYTES = 4096
/** A write a line would be a tenth of what a request costs; nobody reads a log within a quarter of a second. */
const FLUSH_MS = 250

/** A JSON log on standard output, one object a line. Keys, certificates and headers never go into it. */
export function createLog(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) }
    },
    pino.destination({
      fd: 1,
      sync: false,
      minLength: ATOMIC_BYTES - 1,
      maxWrite: ATOMIC_BYTES,
      periodicFlush: FLUSH_MS
    })
  )
}

/** Resolves once everything logged is handed to the system; for when a thread or the process ends. */
export async function flushLog(log: Logger): Promise<void> {
  // A flush that meets a write under way is over with that write, and one writes a batch at most; what is left
  // after the first is less than two.
  for (let round = 0; round < 3; round++) {
    await new Promise<void>(resolve => log.flush(() => resolve()))
  }
}

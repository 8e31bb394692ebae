import pino, { type Logger } from 'pino'
import type { LogLevel } from '../config/config.ts'

/** What a pipe takes in one piece (POSIX PIPE_BUF on Linux): the threads' lines must not tear each other. */
const ATOMIC_BYTES = 4096

/** A JSON log on standard output, one object a line. Keys, certificates and headers never go into it. */
export function createLog(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) }
    },
    pino.destination({ fd: 1, sync: false, maxWrite: ATOMIC_BYTES })
  )
}

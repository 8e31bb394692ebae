import { MessageChannel } from 'node:worker_threads'
import pino, { type Logger } from 'pino'
import type { LogLevel } from '../model/settings.ts'
import type { LogDestination, LogOutput } from './log-output.ts'
import { tellError } from './told-error.ts'

/**
 * A JSON log, one object a line. Keys, certificates and headers never go into it. pino makes the lines; its own
 * destination is not used, because it keeps without end what cannot be written, holds a pool thread while a reader
 * stops, and ends the process when the disk is full.
 */
export function createLog(level: LogLevel, destination: LogDestination): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: tellError },
      formatters: { level: label => ({ level: label }) }
    },
    destination
  )
}

/** Resolves once everything logged is handed on, or cannot be in time; for when a thread or the process ends. */
export async function flushLog(log: Logger): Promise<void> {
  // The log's own timers keep no process alive, a port that listens does.
  const { port1: hold } = new MessageChannel()
  hold.on('message', () => {})
  await new Promise<void>(resolve => log.flush(() => resolve()))
  hold.close()
}

/** Lets a log say what becomes of itself. */
export function tellOfOutput(log: Logger, output: LogOutput): void {
  output.tell({
    onLost: ({ lines, sinceMs }) =>
      log.error(
        { lines, since: new Date(sinceMs).toISOString() },
        'log lines were lost: they could not be written in time'
      ),
    onFault(fault, code, file) {
      // One that cannot be written is told of in the metrics; the line waits in the queue as all others do.
      if (fault === 'reopen')
        log.error({ file, code }, 'the log file cannot be opened anew; the old one stays in use')
      else log.error({ file, code }, 'the log cannot be written; what the queue does not hold is lost')
    }
  })
}

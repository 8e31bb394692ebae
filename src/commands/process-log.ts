import type { Logger } from 'pino'
import { openingLogFile } from '../config/log-file.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { LogSettings } from '../model/settings.ts'
import { createLog } from '../telemetry/log.ts'
import { createLogOutput, type LogOutput } from '../telemetry/log-output.ts'

/**
 * The log of a process that serves. Throws a ConfigError when its file cannot be opened: that of `tellAll`, if that finds
 * what is wrong.
 */
export function openProcessLog(
  { level, file }: LogSettings,
  tellAll: () => unknown = () => {}
): {
  readonly log: Logger
  readonly logOutput: LogOutput
} {
  const logOutput = openingLogFile(file, () => {
    try {
      return createLogOutput(file?.path, systemRuntime)
    } catch (error) {
      tellAll()
      throw error
    }
  })
  // Whatever ends the process, the lines that say what was before are those one wants to read.
  process.on('exit', logOutput.writeLast)
  const log = createLog(level, logOutput)
  // Node itself would print whatever the error carries.
  process.on('uncaughtException', err => {
    log.fatal({ err }, 'a defect ends this process')
    process.exit(1)
  })
  return { log, logOutput }
}

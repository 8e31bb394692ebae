import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { LogFile } from '../model/settings.ts'
import type { FileContext } from './files.ts'
import { ConfigError, showValue } from './problems.ts'
import type { Draft } from './schema-tree.ts'

/** Does what opens a log file; what the system has against it becomes a ConfigError with the place of the key. */
export function openingLogFile<Result>(logFile: LogFile | undefined, open: () => Result): Result {
  try {
    return open()
  } catch (error) {
    if (logFile === undefined || error instanceof ConfigError) throw error
    const { path, where } = logFile
    throw new ConfigError([{ where, key: 'log.file', text: sentenceOf(path, error) }])
  }
}

/** Why this user could not log to a file, without the key; `undefined` when it could. Makes no file. */
export function logFileProblem(path: string): string | undefined {
  try {
    tryToOpen(path)
    return undefined
  } catch (error) {
    return sentenceOf(path, error)
  }
}

function sentenceOf(path: string, error: unknown): string {
  return `is ${showValue(path)}, but ${openFailure(error)}; must be a file this user can write`
}

function tryToOpen(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
  }
}

/** Why a file could not be opened for writing. */
function openFailure(error: unknown): string {
  const { code = 'an unknown error' } = error as NodeJS.ErrnoException
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'its directory does not exist',
    ENOTDIR: 'its directory does not exist',
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    EROFS: 'nobody may write there',
    EISDIR: 'it is a directory',
    ENXIO: 'nobody reads this pipe',
    ENAMETOOLONG: 'its name is too long',
    ELOOP: 'its links lead in a circle',
    ENOSPC: 'no room is left on the disk',
    EDQUOT: 'this user may take no more of the disk'
  }
  return known[code] ?? `opening it failed (${code})`
}

/** Reports what keeps this user from logging where a file says. */
export function reportLogFile(
  { log }: Draft,
  { directory, report }: Pick<FileContext, 'directory' | 'report'>
): void {
  const text = log?.file === undefined ? undefined : logFileProblem(resolve(directory, log.file))
  if (text !== undefined) report(['log', 'file'], text)
}

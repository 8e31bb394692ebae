import { resolve } from 'node:path'
import { isOwnFault } from '../model/own-fault.ts'
import { holdsSecret } from '../model/secret-text.ts'
import { readFailure, readPlainFile } from './plain-file.ts'
import { type Path, type Report, showValue } from './problems.ts'

/** What reading the files a configuration names needs to know. */
export interface FileContext {
  /** Relative paths start here: the directory of the configuration file. */
  readonly directory: string
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly report: Report
  /** Says what works and should be changed all the same. */
  readonly warn: (path: Path, text: string) => void
  /**
   * Whether revocation lists are judged here and now. A balancer that serves has them read by a thread of their own.
   */
  readonly readsLists: boolean
  /** Every file that was looked for, absolute; `readNamed` adds to it, whether it finds the file or not. */
  readonly files: Set<string>
}

/** A file that was read, and the key that named it. */
export interface NamedFile {
  readonly path: Path
  /** Absolute. */
  readonly file: string
  readonly text: string
}

/**
 * Reads the file that the key at `path` names; `undefined` when a problem was reported or there is no name. A name that
 * is or may be (`isSecret`) what ought to be in the file is not repeated.
 */
export function readNamed(
  path: Path,
  name: string | undefined,
  context: FileContext,
  isSecret = holdsSecret
): NamedFile | undefined {
  if (name === undefined) return undefined
  const file = resolve(context.directory, name)
  context.files.add(file)
  try {
    return { path, file, text: readPlainFile(file).toString() }
  } catch (error) {
    const cause = readFailure(error)
    const [is, place] = isSecret(name) ? ['names a file', 'there'] : [`is ${showValue(name)}`, `at ${file}`]
    const text = `${is}, but ${cause} ${place}; must be a file this user can read`
    context.report(path, text, isOwnFault(error) ? { isOwnFault: true } : {})
    return undefined
  }
}

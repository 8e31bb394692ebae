import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { access, link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { enrolledFiles } from '../../model/enrolment.ts'
import { type Runtime, systemRuntime } from '../../model/runtime.ts'
import { makeDirectory } from '../make-directory.ts'
import { EnrolmentError } from './enrolment-error.ts'

/** What is kept: certificate, key, CA bundle and revocation lists, all PEM. */
export type OwnFile = keyof typeof enrolledFiles

/** Nobody but its owner reads the key; the rest is public. */
const modes: Readonly<Record<OwnFile, number>> = { cert: 0o644, key: 0o600, ca: 0o644, crl: 0o644 }

/** A file that was begun so long ago was left by a process that was killed over it; a key may be in it. */
const LEFT_AFTER_MS = 3_600_000

/** The directory in which a balancer keeps what it got from the CA. All errors are `EnrolmentError`s. */
export interface OwnFiles {
  readonly directory: string
  readonly pathOf: (file: OwnFile) => string
  /** Its text; `undefined` when there is none. */
  readonly read: (file: OwnFile) => Promise<string | undefined>
  /** Whether anybody on this machine may read a file that is there. */
  readonly isOpen: (file: OwnFile) => Promise<boolean>
  /** Puts a file there, unless one is: then that one stays. Resolves with what is there. Never half a file. */
  readonly keep: (file: OwnFile, text: string) => Promise<string>
  /** Puts a file there in place of the one that is. Never half a file. */
  readonly replace: (file: Exclude<OwnFile, 'key'>, text: string) => Promise<void>
  /** Makes the directory if need be, sees to it that this user can write there, and removes what was left half-way. */
  readonly prepare: () => Promise<void>
}

/** Who runs; a test may be root and say otherwise. */
export interface RunningUser {
  /** `undefined` where the system has none. */
  readonly uid: number | undefined
}

export function createOwnFiles(
  directory: string,
  { uid }: RunningUser = { uid: process.geteuid?.() },
  { wallClock }: Pick<Runtime, 'wallClock'> = systemRuntime
): OwnFiles {
  const pathOf = (file: OwnFile) => join(directory, enrolledFiles[file])
  const who = uid === undefined ? 'this user' : `this user (uid ${uid})`

  function failure(error: unknown, path: string, doing: string): EnrolmentError {
    const { code = (error as Error).message } = error as NodeJS.ErrnoException
    const why = known[code]?.(who) ?? `the system says ${code}`
    return new EnrolmentError('impossible', `${path} cannot be ${doing}: ${why}`)
  }

  /** Writes a file beside its place, and has it put there. What is left of it goes, whatever happens. */
  async function write(file: OwnFile, text: string, put: (next: string) => Promise<void>): Promise<void> {
    const next = `${pathOf(file)}.${randomBytes(4).toString('hex')}.new`
    try {
      const handle = await open(next, 'wx', modes[file])
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await put(next)
    } finally {
      await rm(next, { force: true })
    }
  }

  async function prepare(): Promise<void> {
    try {
      await makeDirectory(directory)
    } catch (error) {
      throw failure(error, directory, 'made')
    }
    const owner = (await stat(directory)).uid
    if (uid === 0 && owner !== 0) {
      const sentence =
        `${directory} belongs to the user with uid ${owner}, and this is root: that user could not read the key. ` +
        `Run it as that user, with sudo -u '#${owner}' for one`
      throw new EnrolmentError('impossible', sentence)
    }
    try {
      await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      throw failure(error, directory, 'written to')
    }
    await removeLeft()
  }

  async function removeLeft(): Promise<void> {
    for (const name of await readdir(directory)) {
      if (!isBegun(name)) continue
      const path = join(directory, name)
      const mtimeMs = (await statusOf(path))?.mtimeMs ?? Number.POSITIVE_INFINITY
      if (mtimeMs < wallClock() - LEFT_AFTER_MS) await rm(path, { force: true })
    }
  }

  return {
    directory,
    pathOf,
    prepare,

    async read(file) {
      try {
        return await readFile(pathOf(file), 'utf8')
      } catch (error) {
        if (isMissing(error)) return undefined
        throw failure(error, pathOf(file), 'read')
      }
    },

    isOpen: async file => (((await statusOf(pathOf(file)))?.mode ?? 0) & 0o007) !== 0,

    async keep(file, text) {
      const path = pathOf(file)
      try {
        await write(file, text, next => putWhereNoneIs(next, path))
        return await readFile(path, 'utf8')
      } catch (error) {
        throw failure(error, path, 'written')
      }
    },

    async replace(file, text) {
      try {
        await write(file, text, next => rename(next, pathOf(file)))
      } catch (error) {
        throw failure(error, pathOf(file), 'written')
      }
    }
  }
}

/** Whether files are written under this name before they are put in their places. */
function isBegun(name: string): boolean {
  return name.endsWith('.new') && Object.values(enrolledFiles).some(file => name.startsWith(`${file}.`))
}

/** A link to a file fails where there is one already, which a rename does not. */
async function putWhereNoneIs(next: string, path: string): Promise<void> {
  try {
    await link(next, path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (!linkless.has(code)) throw error
    if (!(await statusOf(path))) await rename(next, path)
  }
}

/** What file systems without hard links say. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

async function statusOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

const known: Readonly<Record<string, (who: string) => string>> = {
  EACCES: who => `${who} may not; run it as the user that serves, and let that user have the directory`,
  EPERM: who => `${who} may not; run it as the user that serves, and let that user have the directory`,
  EROFS: () => 'its file system is read-only; it must be a directory that can be written, such as a volume',
  ENOSPC: () => 'the disk is full',
  ENOENT: () => 'it is a symbolic link to what is not there, or the directory has gone',
  ENOTDIR: () => 'there is a file where a directory should be',
  EEXIST: () => 'there is a file where a directory should be',
  EISDIR: () => 'there is a directory where a file should be'
}

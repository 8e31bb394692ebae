import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectory } from '../make-directory.ts'

/** Where lists that the CA gave are kept over a restart, in the directory for them. */
export function keptFile(directory: string): string {
  return join(directory, 'revocation-lists.pem')
}

/** What is written before it is put in the place of the kept file; two processes of a takeover may share a directory. */
export function pendingFile(directory: string): string {
  return `${keptFile(directory)}.${process.pid}.new`
}

/** Whether there is anything. */
export async function isKept(directory: string): Promise<boolean> {
  return stat(keptFile(directory)).then(
    () => true,
    () => false
  )
}

/**
 * Writes a pending file, with its directory if need be, for nobody but this user. Resolves with the system's error code
 * when that fails.
 */
export async function writePending(file: string, bytes: Uint8Array): Promise<string | undefined> {
  try {
    await makeDirectory(dirname(file))
    await rm(file, { force: true })
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

/** Puts the pending file in the place of the kept one, whole or not at all. Resolves with an error code otherwise. */
export async function keepPending(directory: string): Promise<string | undefined> {
  return rename(pendingFile(directory), keptFile(directory)).then(() => undefined, codeOf)
}

/** Removes it. */
export async function dropPending(directory: string): Promise<void> {
  await rm(pendingFile(directory), { force: true }).catch(() => {}) // The next one takes its place.
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}

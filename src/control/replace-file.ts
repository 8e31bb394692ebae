import { open, rename, rm } from 'node:fs/promises'

/**
 * Puts a file in the place of another, or where none was, for its owner alone. Never half a file, whatever happens: it is
 * written beside the old one, and then put in its place. Rejects with the system's error.
 */
export async function replaceFile(file: string, ...content: readonly (string | Uint8Array)[]): Promise<void> {
  const next = `${file}.new`
  await rm(next, { force: true })
  const handle = await open(next, 'wx', 0o600)
  try {
    for (const each of content) await handle.writeFile(each)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, file)
}

import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Path, showValue } from './problems.ts'
import type { Draft } from './schema-tree.ts'

/** Directories in which nothing could be kept over a restart: a warning about each, as the end of a sentence. */
export function unusableDirectories(
  { tls, state }: Draft,
  directory: string
): readonly { readonly path: Path; readonly text: string }[] {
  const named = [
    { path: ['tls', 'crl', 'directory'], name: tls?.crl?.directory },
    { path: ['state', 'directory'], name: state?.directory }
  ]
  return named.flatMap(({ path, name }) => {
    const fault = name === undefined ? undefined : faultOf(resolve(directory, name))
    if (fault === undefined) return []
    const text = `is ${showValue(name)}, but ${fault}, so nothing is kept over a restart; should be a directory that this user can write`
    return [{ path, text }]
  })
}

/** Why this user could not write in a directory that is there, or that is to be made; `undefined` when it could. */
function faultOf(path: string): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return `${path} is no directory`
    accessSync(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return faultOf(dirname(path))
    return `this user may not write in ${path}`
  }
}

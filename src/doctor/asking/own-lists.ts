import { statSync } from 'node:fs'
import { readLists, sentencesOf } from '../../config/revocation-lists.ts'
import { keptFile } from '../../control/revocation/kept-lists.ts'
import type { CrlSettings } from '../../model/settings.ts'
import { type Authority, authoritiesOf } from '../../pki/authorities.ts'
import { CrlError } from '../../pki/crl-error.ts'
import type { OwnListFile, OwnLists } from '../facts.ts'

/**
 * Reads the lists that a configuration leads to on this machine: those of its file, and those that were fetched and kept.
 * `ca`: the certificates (PEM) whose lists they are to be.
 */
export function readOwnLists({ file, fetch, directory }: CrlSettings, ca: string, nowMs: number): OwnLists {
  const authorities = authoritiesOf(ca)
  const kept = fetch && directory !== undefined ? keptFile(directory) : undefined
  const isKept = kept === undefined ? undefined : isThere(kept)
  const read = (key: OwnListFile['key'], path: string) => readFile(key, path, authorities, nowMs)
  return {
    files: [
      ...(file === undefined ? [] : [read('tls.crl.file', file)]),
      ...(kept !== undefined && isKept ? [read('tls.crl.directory', kept)] : [])
    ],
    isKept
  }
}

function readFile(
  key: OwnListFile['key'],
  file: string,
  authorities: readonly Authority[],
  nowMs: number
): OwnListFile {
  try {
    return { key, file, lists: readLists(file, authorities, nowMs).lists, problems: [] }
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    return { key, file, lists: [], problems: sentencesOf(error, file) }
  }
}

/** Whether a file is there; `undefined`: this user may not know. */
function isThere(file: string): boolean | undefined {
  try {
    statSync(file)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? false : undefined
  }
}

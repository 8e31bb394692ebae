import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Path } from './problems.ts'
import type { Draft } from './schema-tree.ts'

const OTHERS_WRITE = 0o002
/** In a directory with this bit nobody replaces what is another's. */
const STICKY = 0o1000

/**
 * A warning where everybody may put files into the directory of enrolment, as the end of a sentence; `undefined` where that
 * is not so, or nothing is there yet. Never an error: so is an emptyDir of Kubernetes, where nobody else is.
 */
export function openDirectory(
  { enroll }: Draft,
  directory: string
): { readonly path: Path; readonly text: string } | undefined {
  if (typeof enroll?.dir !== 'string') return undefined
  const path = resolve(directory, enroll.dir)
  const mode = modeOf(path)
  if ((mode & OTHERS_WRITE) === 0 || (mode & STICKY) !== 0) return undefined
  const text =
    `leads to ${path}, where everybody on this machine may write (mode ${(mode & 0o7777).toString(8)}): whoever does puts ` +
    `another key or CA there; should be closed with chmod o-w ${path}, but where nobody else is, as in a pod with an emptyDir`
  return { path: ['enroll', 'dir'], text }
}

function modeOf(path: string): number {
  try {
    return statSync(path).mode
  } catch {
    // It is not there yet, or this user may not look: whoever writes there says so.
    return 0
  }
}

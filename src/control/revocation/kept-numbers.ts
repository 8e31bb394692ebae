import { readFileSync } from 'node:fs'
import { readLists, sentencesOf } from '../../config/revocation-lists.ts'
import type { Config } from '../../model/settings.ts'
import { authoritiesOf } from '../../pki/authorities.ts'
import type { AuthorityList } from '../../pki/crl.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { type ListMark, successionProblems } from '../../pki/succession.ts'
import { parseMarks, seenFile } from './seen-lists.ts'

/**
 * Why a start would refuse the revocation lists of a file: a balancer with this directory went by newer ones. One
 * sentence each, without the key; none where nothing was kept, or this user may not read it.
 */
export function fallenBehind({ settings: { tls } }: Config, nowMs: number): readonly string[] {
  const { file, directory } = tls.crl ?? {}
  if (file === undefined || directory === undefined) return []
  const kept = seenFile(directory)
  const marks = marksIn(kept)
  if (marks.length === 0) return []
  const authorities = authoritiesOf(tls.ca)
  const lists: readonly AuthorityList[] = readLists(file, authorities, nowMs).lists
  const problems = successionProblems(marks, lists, new Set(authorities.map(({ keyId }) => keyId)))
  if (problems.length === 0) return []
  const told = problems.map(({ reason, text }) => ({ reason, text: `${text} (says ${kept})` }))
  return sentencesOf(new CrlError(told), file)
}

/** A start goes on without them where they cannot be read, and says so. */
function marksIn(file: string): readonly ListMark[] {
  try {
    return parseMarks(readFileSync(file, 'utf8'))
  } catch {
    return []
  }
}

import type { z } from 'zod'
import { oneOfText } from './fields.ts'
import { nearest } from './near-miss.ts'
import { formatPath, type Path, type Report, showKey } from './problems.ts'
import { keysAt, leaves } from './schema-tree.ts'

/** Reports what the schema found wrong. Sentences about values come from the schema; unknown keys get theirs here. */
export function explain(issues: readonly z.core.$ZodIssue[], report: Report): void {
  for (const issue of issues) {
    const path = issue.path as Path
    if (issue.code !== 'unrecognized_keys') {
      report(path, issue.message)
      continue
    }
    for (const key of issue.keys) report([...path, key], unknownKey(path, key), { culprit: 'key' })
  }
}

function unknownKey(path: Path, key: string): string {
  const allowed = keysAt(path)
  const meant = nearest(key, allowed) ?? elsewhere(key)
  if (meant) return `is not a known key, did you mean ${meant}?`
  return `is not a known key, must be ${oneOfText(allowed)}`
}

/** The full name of a key that exists, but in another group: `port` at the top is probably `listen.port`. */
function elsewhere(key: string): string | undefined {
  const leaf = leaves.find(({ path }) => path.at(-1) === key)
  return leaf && showKey(key) === key ? formatPath(leaf.path) : undefined
}

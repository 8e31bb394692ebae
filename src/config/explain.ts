import type { z } from 'zod'
import { nearest } from './near-miss.ts'
import { formatPath, type Path, type Report } from './problems.ts'
import { fullNames, keysAt } from './schema-tree.ts'

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
  const [first = '', ...rest] = key.split('.')
  if (rest.length > 0 && fullNames.includes(formatPath([...path, ...key.split('.')])))
    return `is not a known key, must be written in groups: ${first}: { ${rest.join(': { ')}: …${' }'.repeat(rest.length)}`
  const isInList = path.some(part => typeof part === 'number')
  const far = isInList ? undefined : elsewhere(key)
  const meant = nearest(key, allowed) ?? (path.length === 0 ? far : undefined)
  if (meant) return `is not a known key, did you mean ${meant}?`
  // In a group another one's key of that name is less likely than a key of this one.
  if (far) return `is not a known key, must be one of ${allowed.join(', ')}, or did you mean ${far}?`
  if (allowed.length === 1) return `is not a known key, the only one here is ${allowed[0]}`
  return `is not a known key, must be one of ${allowed.join(', ')}`
}

/** The full name of a key that exists, but in another group: `port` at the top is probably `listen.port`. */
function elsewhere(key: string): string | undefined {
  const [nearestToTop] = fullNames
    .filter(name => name.endsWith(`.${key}`))
    .toSorted((a, b) => depthOf(a) - depthOf(b))
  return nearestToTop
}

/** What is in a list counts as farther away than what is not. */
function depthOf(name: string): number {
  return name.split('.').length + (name.includes('[]') ? 1 : 0)
}

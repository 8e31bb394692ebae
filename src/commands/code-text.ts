import type { CodeStatus } from '../model/code.ts'
import { tableOf } from './table.ts'

/** A version of more characters is cut: a commit has 40. */
const VERSION_CHARACTERS = 48
/** As many names as fit a line. */
const NAMES_SHOWN = 6

/** What masters serve, a line for each version of an environment, and where they differ. */
export function codeLines(code: readonly CodeStatus[]): readonly string[] {
  const rows = code.flatMap(({ environment, masters }) =>
    [...Map.groupBy(masters, ({ version }) => version)].map(([version, of]) => [
      environment,
      version === null ? 'unknown' : cut(version),
      of
        .map(({ seen }) => seen)
        .sort()
        .at(-1) ?? '',
      named(of.map(({ name }) => name))
    ])
  )
  return [
    ...tableOf(['environment', 'version', 'last seen', 'masters'], rows),
    ...code.flatMap(({ environment, versions, differsSince }) =>
      differsSince === null
        ? []
        : [`MASTERS DIFFER: ${versions} versions of ${environment} since ${differsSince}`]
    )
  ]
}

function cut(version: string): string {
  return version.length <= VERSION_CHARACTERS ? version : `${version.slice(0, VERSION_CHARACTERS)}…`
}

function named(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

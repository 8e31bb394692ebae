import type { CatalogHead } from './catalog-head.ts'

/**
 * Seconds since 1970: what Puppet puts in where there is no `config_version`, and what many scripts print that find no
 * better one. It tells when code was read, and not which.
 */
const epoch = /^\d{10}(?:\.\d+)?$/
const environmentName = /^\w{1,100}$/
const notShown = /[\p{Cc}\p{Cf}]/gu

/**
 * The version of the code that a catalog was made of: its `code_id`, else its `config_version`; `undefined` when it does
 * not say. Many scripts for `config_version` put in the name of the master (`compile-1-production-4f1c2a`); so that
 * versions can be compared, each of `names` that stands in it as a word becomes `*`.
 */
export function codeVersionOf(
  { codeId, version, environment }: CatalogHead,
  names: readonly string[]
): string | undefined {
  const told = (codeId ?? version ?? '').replace(notShown, '').trim()
  if (told === '' || epoch.test(told)) return undefined
  const without = names
    .filter(name => name.length > 1 && name !== environment)
    .toSorted((a, b) => b.length - a.length)
    .reduce(withoutWord, told)
  // A master may be called what its code is.
  return /[a-z0-9]/i.test(without) ? without : told
}

/** The environment of a catalog, as far as it can be one's name. */
export function environmentNamed(name: string | undefined): string | undefined {
  return name !== undefined && environmentName.test(name) ? name : undefined
}

/** The names by which a master may call itself: those given, and of host names the first label. */
export function namesOf(...given: readonly (string | undefined)[]): readonly string[] {
  const known = given.filter(each => each !== undefined)
  const labels = known.filter(each => /[a-z]/i.test(each)).map(each => each.split('.', 1)[0] as string)
  return [...new Set([...known, ...labels])]
}

function withoutWord(text: string, name: string): string {
  const word = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text.replace(new RegExp(`(?<![a-z0-9])${word}(?![a-z0-9])`, 'gi'), '*')
}

import type { AuthorityList } from './crl.ts'

/** When the full lists of a CA are to be replaced, by the common name of each CA. Milliseconds since 1970. */
export type FullListEnds = ReadonlyMap<string, number>

/** A list may be so long on its way from the CA to whoever goes by it, shipped by others. */
export const ON_ITS_WAY_MS = 600_000

/** Dates in lists have whole seconds. */
const SAME_MS = 1_000

/**
 * What Puppet Server says of its full lists at `/puppet-ca/v1/expirations` (`handle-get-ca-expirations` in its
 * `certificate_authority_core.clj`): `2036-08-08T21:47:15UTC` for each. `undefined`: it says nothing of them. Pure.
 */
export function fullListEndsIn(body: string): FullListEnds | undefined {
  const { crls } = (parsed(body) ?? {}) as { readonly crls?: unknown }
  if (typeof crls !== 'object' || crls === null) return undefined
  const ends = Object.entries(crls).flatMap(([name, text]): [string, number][] => {
    const atMs = Date.parse(String(text).replace(/UTC$/, 'Z'))
    return Number.isNaN(atMs) ? [] : [[name, atMs]]
  })
  return new Map(ends)
}

/** When the full list of the CA that issued a list is to be replaced; `undefined`: it does not say. Pure. */
export function fullListEnd(
  { issuer }: Pick<AuthorityList, 'issuer'>,
  ends: FullListEnds | undefined
): number | undefined {
  const [, name] = /(?:^|, )CN=(.+?)(?:, |$)/.exec(issuer) ?? []
  return name === undefined ? undefined : ends?.get(name)
}

/** Whether a list is another one than the full one of its CA, so far as that says. Pure. */
export function isNotFull(
  list: Pick<AuthorityList, 'issuer' | 'nextUpdateMs'>,
  ends: FullListEnds | undefined
): boolean {
  const end = fullListEnd(list, ends)
  return list.nextUpdateMs !== undefined && end !== undefined && Math.abs(end - list.nextUpdateMs) > SAME_MS
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

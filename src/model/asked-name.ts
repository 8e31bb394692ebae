/**
 * A name that clients sent in their handshake (SNI) and that no certificate of the balancer has. The field names are
 * part of the contract.
 */
export interface AskedName {
  readonly name: string
  /** Handshakes with it; of those `failed` came to nothing, as with a client that looks at the certificate. */
  readonly handshakes: number
  readonly failed: number
  /** ISO 8601. */
  readonly lastSeen: string
}

/** The most that are told. */
export const maxAskedNames = 64

/** What several planes saw, as one; the most frequent first. Pure. */
export function joinNames(lists: readonly (readonly AskedName[])[]): readonly AskedName[] {
  const groups = Map.groupBy(lists.flat(), ({ name }) => name)
  return [...groups]
    .map(([name, group]) => ({
      name,
      handshakes: group.reduce((sum, { handshakes }) => sum + handshakes, 0),
      failed: group.reduce((sum, { failed }) => sum + failed, 0),
      lastSeen: group
        .map(({ lastSeen }) => lastSeen)
        .sort()
        .at(-1) as string
    }))
    .sort((a, b) => b.handshakes - a.handshakes || (a.name < b.name ? -1 : 1))
    .slice(0, maxAskedNames)
}

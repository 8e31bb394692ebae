/** As much of a connection as matters here. */
interface Member {
  /** Its network, as the shared table knows it; `undefined` while nobody knows it. */
  readonly address: number | undefined
}

/**
 * Idle connections that nobody has shown a good certificate on, in the order in which they fell idle: the first are
 * the first to go when others need room.
 */
export interface Strangers<Connection extends Member> {
  readonly size: () => number
  readonly add: (connection: Connection) => void
  readonly delete: (connection: Connection) => void
  /** The one that has been idle for longest, of all or of one address. */
  readonly oldest: (address?: number) => Connection | undefined
}

export function createStrangers<Connection extends Member>(): Strangers<Connection> {
  const all = new Set<Connection>()
  const byAddress = new Map<number | undefined, Set<Connection>>()
  return {
    size: () => all.size,
    add(connection) {
      if (all.has(connection)) return
      all.add(connection)
      const ofAddress = byAddress.get(connection.address)
      if (ofAddress) ofAddress.add(connection)
      else byAddress.set(connection.address, new Set([connection]))
    },
    delete(connection) {
      if (!all.delete(connection)) return
      const ofAddress = byAddress.get(connection.address)
      ofAddress?.delete(connection)
      if (ofAddress?.size === 0) byAddress.delete(connection.address)
    },
    oldest(address) {
      const [first] = (address === undefined ? all : byAddress.get(address)) ?? []
      return first
    }
  }
}

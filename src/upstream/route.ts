import { isIPv6 } from 'node:net'

/** The ways to one master, and which of them is known to lead there. */
export interface Route {
  /** Addresses in the order in which they are to be tried: the one that worked last, then the families in turn. */
  readonly addresses: () => readonly string[]
  /** What was learnt: a connection to the address stands, or came to nothing. */
  readonly worked: (address: string) => void
  readonly failed: (address: string) => void
}

/** `all`: the addresses that the master has by now. */
export function createRoute(all: () => readonly string[]): Route {
  let best: string | undefined
  return {
    addresses() {
      const known = all()
      if (known.length < 2) return known
      const start = Math.max(0, known.indexOf(best ?? ''))
      return inTurn([...known.slice(start), ...known.slice(0, start)])
    },
    worked(address) {
      best = address
    },
    failed(address) {
      const known = all()
      best = known[(known.indexOf(address) + 1) % known.length]
    }
  }
}

/** One family, the other, and so on, beginning with that of the first (RFC 8305, section 4). */
function inTurn([first = '', ...rest]: readonly string[]): readonly string[] {
  const isLikeFirst = (address: string) => isIPv6(address) === isIPv6(first)
  const same = rest.filter(isLikeFirst)
  const other = rest.filter(address => !isLikeFirst(address))
  const turns = Array.from({ length: Math.max(same.length, other.length) }, (_, index) => [
    other[index] ?? [],
    same[index] ?? []
  ])
  return [first, ...turns.flat(2)]
}

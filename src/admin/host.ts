import { BlockList, isIP, isIPv6 } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** Whether a listener bound to `host` can be reached from this machine only. A name other than localhost is not trusted to. */
export function isLoopback(host: string): boolean {
  const [address = ''] = host.split('%')
  if (isIP(address) === 0) return nameOf(host) === 'localhost'
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * Whether a Host header names this listener: as an IP address, as localhost, or as one of `names`; with any port or
 * none. A web page can make its own name lead to this address (DNS rebinding), but the name is then its own.
 */
export function isOwnHost(header: string, names: ReadonlySet<string>): boolean {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? []
  if (bracketed !== undefined) return isIPv6(bracketed)
  return isIP(plain) !== 0 || names.has(nameOf(plain))
}

/** Every name a Host header may carry, as `isOwnHost` takes them. */
export function ownNames(names: readonly string[]): ReadonlySet<string> {
  return new Set(['localhost', ...names.filter(name => name !== '').map(nameOf)])
}

/** Names are the same in any case, and with the dot of the root. */
function nameOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

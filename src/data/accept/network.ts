import { isIPv6 } from 'node:net'

/** An IPv4 address as IPv6 sockets tell it (RFC 4291, section 2.5.5.2). */
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
/** Of eight groups, those that name a network of 64 bits; the rest is the host's own choice (RFC 4291, 2.5.1). */
const NETWORK_GROUPS = 4
const GROUPS = 8

/** An address as people know it: an IPv4 client is the same on a socket of either family. */
export function plainAddress(address: string): string {
  return mapped.exec(address)?.[1] ?? address
}

/** Whom an address counts for: an IPv4 address itself, an IPv6 address its network of 64 bits. */
export function networkOf(given: string): string {
  const address = plainAddress(given)
  if (!isIPv6(address)) return address
  const [head = '', tail] = (address.split('%')[0] as string).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: GROUPS - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].slice(0, NETWORK_GROUPS).join(':')
}

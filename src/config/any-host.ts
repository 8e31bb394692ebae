import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { platform } from 'node:process'

/**
 * The address that listens on all there are, of both families where the system has them.
 *
 * @param hasIPv6 whether a socket of IPv6 can be had here
 */
export function anyHost(hasIPv6 = canHaveIPv6()): '::' | '0.0.0.0' {
  return hasIPv6 ? '::' : '0.0.0.0'
}

/** On Linux the kernel says so even where no interface has an address of it: a socket of the family can be had. */
function canHaveIPv6(): boolean {
  if (platform === 'linux') return existsSync('/proc/net/if_inet6')
  return Object.values(networkInterfaces()).some(all => all?.some(({ family }) => family === 'IPv6'))
}

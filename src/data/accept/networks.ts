import { BlockList, isIPv6 } from 'node:net'

/** Whether an address, as people know it, is in one of some networks. */
export type Networks = (address: string) => boolean

/** `written`: addresses, or networks such as `10.0.0.0/8`, all of them right. `undefined` for none. */
export function createNetworks(written: readonly string[]): Networks | undefined {
  if (written.length === 0) return undefined
  const list = new BlockList()
  for (const each of written) {
    const [address = '', bits] = each.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return address => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

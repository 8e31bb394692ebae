import { isIPv6 } from 'node:net'

/** One end of a connection. The address as people know it. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** Who connected, and to where. */
export interface Ends {
  readonly source: Peer
  readonly destination: Peer
}

/** What version 2 of the PROXY protocol begins with (section 2.2 of its specification, haproxy.org). */
export const proxySignature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Version 2, and what follows it: a connection of our own, or one that is passed on. */
const LOCAL = 0x20
const PROXY = 0x21
/** TCP over IPv4 and over IPv6. */
const TCP4 = 0x11
const TCP6 = 0x21

/**
 * The header that tells a master, in version 2 of the PROXY protocol, whose connection this is. Without `ends` it is our
 * own, such as a health check.
 */
export function proxyHeader(ends: Ends | undefined): Buffer {
  if (!ends) return Buffer.concat([proxySignature, Buffer.of(LOCAL, 0, 0, 0)])
  const { source, destination } = ends
  const isSix = isIPv6(source.address) || isIPv6(destination.address)
  const bytesOf = isSix ? ipv6Bytes : ipv4Bytes
  const block = Buffer.from([
    ...bytesOf(source.address),
    ...bytesOf(destination.address),
    ...twoBytes(source.port),
    ...twoBytes(destination.port)
  ])
  const head = Buffer.of(PROXY, isSix ? TCP6 : TCP4, ...twoBytes(block.length))
  return Buffer.concat([proxySignature, head, block])
}

function twoBytes(value: number): readonly [number, number] {
  return [value >> 8, value & 0xff]
}

function ipv4Bytes(address: string): readonly number[] {
  return address.split('.').map(Number)
}

/** Of an IPv4 address those of its IPv6 form (RFC 4291, section 2.5.5.2). */
function ipv6Bytes(address: string): readonly number[] {
  if (!isIPv6(address)) return [...Array(10).fill(0), 0xff, 0xff, ...ipv4Bytes(address)]
  const [head = '', tail] = (address.split('%')[0] as string).split('::')
  const left = groupBytes(head)
  const right = groupBytes(tail ?? '')
  return [...left, ...Array(16 - left.length - right.length).fill(0), ...right]
}

/** The last group may be an IPv4 address. */
function groupBytes(groups: string): readonly number[] {
  if (groups === '') return []
  return groups
    .split(':')
    .flatMap(group => (group.includes('.') ? ipv4Bytes(group) : twoBytes(Number.parseInt(group, 16))))
}

import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { type Ends, type Peer, proxySignature } from '../../upstream/proxy-header.ts'
import { crc32c } from './crc32c.ts'
import { plainAddress } from './network.ts'

/** Why the begin of a connection is no header of the PROXY protocol that can be gone by. */
export type ProxyFault = 'absent' | 'malformed' | 'too-long' | 'checksum'

/** What the first bytes of a connection are. `more`: they may become a header. */
export type ProxyReading =
  | { readonly kind: 'more' }
  | { readonly kind: 'fault'; readonly fault: ProxyFault }
  | ProxyHeader

export interface ProxyHeader {
  readonly kind: 'header'
  /** In bytes; what comes behind belongs to the connection. */
  readonly length: number
  /**
   * Whose connection it is; `undefined` when the header names nobody, and the ends of the socket count: a check by the
   * balancer in front (LOCAL), or a client that it knows no address of (UNKNOWN, UNSPEC, a Unix socket, UDP).
   */
  readonly ends: Ends | undefined
}

/** Of version 1, its CRLF included (section 2.1). */
const LONGEST_LINE = 107
/** Of version 2: as nginx. Its addresses take 232 bytes at most, and what a balancer in front adds a few hundred. */
const LONGEST_HEADER = 4096
/** Of version 2, before the addresses. */
const FIXED = 16
/** Bytes of addresses by family: unspecified, IPv4, IPv6, Unix. */
const ADDRESSES = [0, 12, 36, 216] as const
const TCP4 = 0x11
const TCP6 = 0x21
const PP2_TYPE_CRC32C = 0x03

const more = Object.freeze({ kind: 'more' } as const)
const faults = {
  absent: fault('absent'),
  malformed: fault('malformed'),
  tooLong: fault('too-long'),
  checksum: fault('checksum')
}
const lineBegin = Buffer.from('PROXY ', 'latin1')

/**
 * Reads the header of the PROXY protocol, version 1 or 2, off the first bytes of a connection, however many are there
 * already. As its specification (haproxy.org, proxy-protocol.txt of 2020/03/05) wants: what is not known is invalid, and
 * a checksum that is wrong makes all of it so.
 */
export function readProxyHeader(bytes: Buffer): ProxyReading {
  if (isBeginOf(proxySignature, bytes)) return readBinary(bytes)
  if (isBeginOf(lineBegin, bytes)) return readLine(bytes)
  return faults.absent
}

/** Whether a connection begins with a header, as far as these bytes go. TLS begins otherwise. */
export function beginsWithProxyHeader(bytes: Buffer): boolean {
  return isBeginOf(proxySignature, bytes) || isBeginOf(lineBegin, bytes)
}

/** Whether as many bytes as there are agree with those that are wanted. */
function isBeginOf(wanted: Buffer, bytes: Buffer): boolean {
  const length = Math.min(wanted.length, bytes.length)
  return wanted.compare(bytes, 0, length, 0, length) === 0
}

function readLine(bytes: Buffer): ProxyReading {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf('\r\n')
  if (end < 0) return bytes.length < LONGEST_LINE ? more : faults.tooLong
  const line = bytes.toString('latin1', 0, end)
  const length = end + 2
  // Whatever stands behind the word is to be passed over.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { kind: 'header', length, ends: undefined }
  const [, family, ...words] = /^PROXY TCP([46]) (\S+) (\S+) (\d+) (\d+)$/.exec(line) ?? []
  const isAddress = family === '4' ? isIPv4 : isPlainIPv6
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = words
  if (![source, destination].every(isAddress) || ![sourcePort, destinationPort].every(isPort))
    return faults.malformed
  const ends = {
    source: peer(source, Number(sourcePort)),
    destination: peer(destination, Number(destinationPort))
  }
  return { kind: 'header', length, ends }
}

function readBinary(bytes: Buffer): ProxyReading {
  if (bytes.length < FIXED) return more
  const version = (bytes[12] as number) >> 4
  const command = (bytes[12] as number) & 0xf
  const family = (bytes[13] as number) >> 4
  const transport = (bytes[13] as number) & 0xf
  const length = FIXED + bytes.readUInt16BE(14)
  if (version !== 2 || command > 1) return faults.malformed
  if (length > LONGEST_HEADER) return faults.tooLong
  const isLocal = command === 0
  // What stands in a LOCAL one is to be passed over, its family too.
  if (!isLocal && (family >= ADDRESSES.length || transport > 2)) return faults.malformed
  const tlvsAt = FIXED + (ADDRESSES[family] ?? 0)
  if (!isLocal && length < tlvsAt) return faults.malformed
  if (bytes.length < length) return more
  if (isLocal || family === 0) return { kind: 'header', length, ends: undefined }
  const header = bytes.subarray(0, length)
  return faultOfTlvs(header, tlvsAt) ?? { kind: 'header', length, ends: endsOf(header) }
}

function endsOf(header: Buffer): Ends | undefined {
  switch (header[13]) {
    case TCP4:
      return {
        source: peer(header.subarray(16, 20).join('.'), header.readUInt16BE(24)),
        destination: peer(header.subarray(20, 24).join('.'), header.readUInt16BE(26))
      }
    case TCP6:
      return {
        source: peer(groups(header, 16), header.readUInt16BE(48)),
        destination: peer(groups(header, 32), header.readUInt16BE(50))
      }
    default:
      return undefined
  }
}

/** What follows the addresses must be whole, and the checksum right where there is one. */
function faultOfTlvs(header: Buffer, from: number): ProxyReading | undefined {
  for (let at = from; at < header.length; ) {
    if (at + 3 > header.length) return faults.malformed
    const end = at + 3 + header.readUInt16BE(at + 1)
    if (end > header.length) return faults.malformed
    if (header[at] === PP2_TYPE_CRC32C) {
      if (end - at !== 7) return faults.malformed
      if (checksumWithout(header, at + 3) !== header.readUInt32BE(at + 3)) return faults.checksum
    }
    at = end
  }
  return undefined
}

/** The checksum of a header whose own four bytes for it count as zero. */
function checksumWithout(header: Buffer, at: number): number {
  const copy = Buffer.from(header)
  copy.fill(0, at, at + 4)
  return crc32c(copy)
}

function groups(header: Buffer, at: number): string {
  return Array.from({ length: 8 }, (_, index) => header.readUInt16BE(at + 2 * index).toString(16)).join(':')
}

/** With the address in its usual form, so that a client is the same one whoever writes it. */
function peer(address: string, port: number): Peer {
  if (!isIPv6(address)) return { address, port }
  return { address: plainAddress(new SocketAddress({ address, family: 'ipv6' }).address), port }
}

/** Without a zone, which means something on another machine only. */
function isPlainIPv6(address: string): boolean {
  return isIPv6(address) && !address.includes('%')
}

/** Leading zeros are not allowed. */
function isPort(word: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(word) && Number(word) <= 65_535
}

function fault(of: ProxyFault): ProxyReading {
  return Object.freeze({ kind: 'fault', fault: of })
}

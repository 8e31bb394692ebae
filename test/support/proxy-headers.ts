import { crc32c } from '../../src/data/accept/crc32c.ts'

/** What a balancer in front says first, in version 2 of the PROXY protocol. */
export interface HeaderParts {
  /** Version and command; default: PROXY. */
  readonly command?: number
  /** Family and transport; default: TCP over IPv4. */
  readonly family?: number
  readonly addresses?: Buffer
  readonly tlvs?: Buffer
  /** Default: that of addresses and TLVs. */
  readonly length?: number
}

/** 192.0.2.7 port 40000 to 198.51.100.1 port 8140. */
export const fourAddresses = Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0x1f, 0xcc])
/** 2001:db8::7 port 40000 to 2001:db8::1 port 8140. */
export const sixAddresses = Buffer.from(
  '20010db8000000000000000000000007' + '20010db8000000000000000000000001' + '9c401fcc',
  'hex'
)

/** Made by hand, so that it tests what the program itself reads and writes. */
export function binaryHeader({
  command = 0x21,
  family = 0x11,
  addresses = fourAddresses,
  tlvs = Buffer.alloc(0),
  length = addresses.length + tlvs.length
}: HeaderParts = {}): Buffer {
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex')
  head[12] = command
  head[13] = family
  head.writeUInt16BE(length, 14)
  return Buffer.concat([head, addresses, tlvs])
}

export function tlv(type: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value as string)
  const head = Buffer.of(type, 0, 0)
  head.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** A header with a checksum at its end; `wrong` by one bit. */
export function withChecksum(parts: HeaderParts, wrong = false): Buffer {
  const { tlvs = Buffer.alloc(0) } = parts
  const header = binaryHeader({ ...parts, tlvs: Buffer.concat([tlvs, tlv(0x03, Buffer.alloc(4))]) })
  header.writeUInt32BE((crc32c(header) ^ Number(wrong)) >>> 0, header.length - 4)
  return header
}

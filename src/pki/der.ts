/** One DER element inside a buffer; all offsets count from the buffer's begin. */
export interface DerElement {
  readonly tag: number
  readonly start: number
  readonly contentStart: number
  /** The first byte behind it. */
  readonly end: number
}

/** Tags as they stand in the first byte. */
export const derTag = Object.freeze({
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  generalString: 0x1b,
  bmpString: 0x1e,
  sequence: 0x30,
  /** `[0]`, explicit: where a list and a certificate keep what is optional. */
  context0: 0xa0
})

/** The element that begins at `start`. Throws a RangeError for one that is cut short or not DER. */
export function derElement(bytes: Buffer, start: number): DerElement {
  const tag = bytes.readUInt8(start)
  const first = bytes.readUInt8(start + 1)
  // Lengths up to 127 stand in one byte; of longer ones this byte says how many bytes hold them.
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthBytes > 4) throw new RangeError('a length that DER does not know')
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(start + 2, lengthBytes)
  const contentStart = start + 2 + lengthBytes
  const end = contentStart + length
  if (end > bytes.length) throw new RangeError('an element that is cut short')
  return { tag, start, contentStart, end }
}

/** The elements inside another one, in order. Throws a RangeError unless they fill it exactly. */
export function* derChildren(bytes: Buffer, parent: DerElement): Generator<DerElement> {
  for (let at = parent.contentStart; at < parent.end; ) {
    const child = derElement(bytes, at)
    if (child.end > parent.end) throw new RangeError('an element longer than what it is in')
    yield child
    at = child.end
  }
}

/** A SEQUENCE of elements that are encoded already. */
export function derSequence(parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const header = Buffer.alloc(6)
  header.writeUInt8(derTag.sequence, 0)
  // Four bytes of length always: longer than DER wants, but every reader takes it.
  header.writeUInt8(0x84, 1)
  header.writeUInt32BE(content.length, 2)
  return Buffer.concat([header, content])
}

/** Some bytes flipped, cut out, doubled, moved or replaced; `count` of that. */
export function mutateBytes(from: Buffer, dice: () => number): Buffer {
  let bytes = Buffer.from(from)
  const below = (limit: number) => Math.floor(dice() * limit)
  for (let count = 1 + below(4); count > 0; count--) {
    const at = below(bytes.length)
    const length = 1 + below(Math.min(40, bytes.length - at))
    const piece = bytes.subarray(at, at + length)
    const to = below(bytes.length)
    const kinds = [
      () => Buffer.concat([bytes.subarray(0, at), Buffer.of(below(256)), bytes.subarray(at + 1)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
      () => Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]),
      () =>
        Buffer.concat([bytes.subarray(0, at), Buffer.of(0x84, 0xff, 0xff, 0xff, 0xff), bytes.subarray(at)]),
      () =>
        Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, below(256)), bytes.subarray(at + length)]),
      () => bytes.subarray(0, at)
    ]
    bytes = Buffer.from((kinds[below(kinds.length)] as () => Buffer)())
    if (bytes.length === 0) return bytes
  }
  return bytes
}

/** FNV-1a over UTF-16 code units, 32 bits, continued from `hash`. Fast, and the same everywhere and always. */
export function fnv1a(text: string, hash = 0x811c9dc5): number {
  let value = hash
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value
}

/** Murmur3's finalizer: spreads each bit over the word, which FNV leaves undone for the last characters. */
export function mix(hash: number): number {
  let value = hash
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

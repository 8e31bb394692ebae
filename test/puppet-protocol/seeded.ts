/** A generator of numbers from 0 (included) to 1 (excluded) that is the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of the items, chosen by `random`. */
export function pick<T>(random: () => number, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] as T
}

/** `text` with each character percent-encoded, byte by byte, with the probability `share`. */
export function encodeSome(random: () => number, text: string, share: number): string {
  let encoded = ''
  for (const character of text) encoded += random() < share ? percentEncoded(random, character) : character
  return encoded
}

function percentEncoded(random: () => number, character: string): string {
  let encoded = ''
  for (const byte of Buffer.from(character)) encoded += `%${byte.toString(16).padStart(2, '0')}`
  return random() < 0.5 ? encoded : encoded.toUpperCase()
}

import { createPrivateKey, getDiffieHellman, type KeyObject } from 'node:crypto'

const EXPONENT = 65_537n

/**
 * An RSA key of 16,384 bits, the longest that OpenSSL takes. To find two primes of half that length would take minutes,
 * so these are two that everybody knows: RFC 3526, group 18, and RFC 7919, ffdhe8192.
 */
export function createHugeKey(): KeyObject {
  const p = BigInt(`0x${getDiffieHellman('modp18').getPrime('hex')}`)
  const q = ffdhe8192()
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n))
  const numbers = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64url(value)]))
  return createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' })
}

/** RFC 7919, A.5: 2^8192 - 2^8128 + ([2^8062 * e] + 10965728) * 2^64 - 1. */
function ffdhe8192(): bigint {
  const spareBits = 64n
  let term = 1n << (8062n + spareBits)
  let sum = 0n
  for (let count = 1n; term > 0n; count++) {
    sum += term
    term /= count
  }
  return (1n << 8192n) - (1n << 8128n) + (((sum >> spareBits) + 10_965_728n) << 64n) - 1n
}

/** Modulo `modulus`, by Euclid's algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [low, high] = [value % modulus, modulus]
  let [ofLow, ofHigh] = [1n, 0n]
  while (low > 1n) {
    const times = high / low
    ;[low, high] = [high - times * low, low]
    ;[ofLow, ofHigh] = [ofHigh - times * ofLow, ofLow]
  }
  return ((ofLow % modulus) + modulus) % modulus
}

function base64url(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

const chunkBytes = 64 * 1024
const pattern = Buffer.alloc(chunkBytes, 'puppet ')

/**
 * A body of exactly `bytes` bytes made while it is read, so that it costs no memory. Every 64 KiB carry their
 * number, so that a lost, repeated or misplaced piece changes the hash.
 */
export function generatedBody(bytes: number): Readable {
  const pieces = chunks(bytes)
  return new Readable({
    highWaterMark: chunkBytes,
    read() {
      const { value, done } = pieces.next()
      this.push(done ? null : value)
    }
  })
}

/** SHA-256 (hexadecimal) of the generated body of that length: what a receiver must arrive at. */
export function generatedSha256(bytes: number): string {
  const hash = createHash('sha256')
  for (const chunk of chunks(bytes)) hash.update(chunk)
  return hash.digest('hex')
}

function* chunks(bytes: number): Generator<Buffer, undefined> {
  for (let offset = 0; offset < bytes; offset += chunkBytes) {
    const chunk = Buffer.from(pattern)
    chunk.writeDoubleBE(offset / chunkBytes)
    yield chunk.subarray(0, Math.min(chunkBytes, bytes - offset))
  }
}

import { createHash, type Hash } from 'node:crypto'
import { Readable, Writable } from 'node:stream'

/** Bytes that are made as they are read, and the hash of all of them once they are. */
export interface GeneratedBody {
  readonly stream: Readable
  readonly hash: () => string
}

/** The parts differ, so that a lost, doubled or displaced one shows in the hash. */
export function generateBody(bytes: number): GeneratedBody {
  const hash = createHash('sha1')
  const part = Buffer.alloc(256 * 1024)
  let left = bytes
  const stream = new Readable({
    highWaterMark: part.length,
    read() {
      if (left === 0) {
        this.push(null)
        return
      }
      const chunk = Buffer.from(part.subarray(0, Math.min(left, part.length)))
      chunk.writeUInt32BE(left % 2 ** 32, 0)
      left -= chunk.length
      hash.update(chunk)
      this.push(chunk)
    }
  })
  return { stream, hash: digestOf(hash) }
}

/** Takes any number of bytes and keeps none. */
export function hashingSink(): {
  readonly stream: Writable
  readonly hash: () => string
  readonly bytes: () => number
} {
  const hash = createHash('sha1')
  let bytes = 0
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      hash.update(chunk)
      done()
    }
  })
  return { stream, hash: digestOf(hash), bytes: () => bytes }
}

function digestOf(hash: Hash): () => string {
  let digest: string | undefined
  return () => {
    digest ??= hash.digest('hex')
    return digest
  }
}

import { createUnzip } from 'node:zlib'

/** Of a body as it stands, and of what it is when it is unpacked, so much is looked at. */
export const HEAD_BYTES = 64 * 1024

/** Takes the head of a body beside its agent, who is never made to wait for it. */
export interface HeadOfBody {
  /** Takes the next chunk. Does nothing once enough was seen. */
  readonly push: (chunk: Uint8Array) => void
  /** Nothing more comes. What came is still looked at. */
  readonly end: () => void
}

/**
 * Gives the first `HEAD_BYTES` of a body to `look`, unpacked where it is packed, until that says that it has seen enough.
 * What is packed is unpacked in another thread. `undefined`: it is packed in a way that nobody knows here.
 */
export function headOfBody(
  encoding: string | string[] | undefined,
  look: (bytes: Uint8Array) => boolean
): HeadOfBody | undefined {
  if (encoding === undefined || encoding === 'identity') return plain(look)
  return encoding === 'gzip' || encoding === 'deflate' ? packed(look) : undefined
}

function plain(look: (bytes: Uint8Array) => boolean): HeadOfBody {
  let left = HEAD_BYTES
  return {
    push(chunk) {
      if (left === 0) return
      const bytes = chunk.subarray(0, left)
      left = look(bytes) ? 0 : left - bytes.length
    },
    end() {
      left = 0
    }
  }
}

function packed(look: (bytes: Uint8Array) => boolean): HeadOfBody {
  const unzip = createUnzip()
  let left = HEAD_BYTES
  let unpacked = 0

  function stop(): void {
    left = 0
    unzip.destroy()
  }

  unzip.on('data', (bytes: Buffer) => {
    if (unzip.destroyed) return
    const isEnough = look(bytes.subarray(0, HEAD_BYTES - unpacked))
    unpacked += bytes.length
    if (isEnough || unpacked >= HEAD_BYTES) stop()
  })
  // Its agent sees for itself that it is damaged.
  unzip.on('error', stop)
  return {
    push(chunk) {
      if (left === 0) return
      const bytes = chunk.subarray(0, left)
      left -= bytes.length
      unzip.write(bytes)
    },
    end() {
      left = 0
      unzip.end()
    }
  }
}

import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'

/** Certificates, keys, tokens and configurations are far shorter: all roots of a system together are a fiftieth of this. */
export const usualMaxBytes = 16 * 1024 * 1024

/** Codes beside those of the system. */
const notPlain = 'PUPPET_LB_NOT_PLAIN'
const tooLong = 'PUPPET_LB_TOO_LONG'

/**
 * Reads a file as a whole, in this thread. Whoever named it may have made a slip: a pipe would be waited for, and a device
 * like /dev/zero read, without end; so neither is, nor a file of more than `maxBytes`. Throws an Error with a code.
 */
export function readPlainFile(file: string, maxBytes = usualMaxBytes): Buffer {
  assertPlain(statSync(file), maxBytes)
  // What is in its place by now is not waited for either.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const status = fstatSync(descriptor)
    assertPlain(status, maxBytes)
    return readUpTo(descriptor, status.size, maxBytes)
  } finally {
    closeSync(descriptor)
  }
}

function assertPlain(status: Stats, maxBytes: number): void {
  if (status.isDirectory()) throw failure('EISDIR')
  if (!status.isFile()) throw failure(notPlain)
  if (status.size > maxBytes) throw failure(tooLong)
}

/** A file may grow while it is read. */
function readUpTo(descriptor: number, size: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = []
  for (let total = 0; ; ) {
    const chunk = Buffer.allocUnsafe(Math.max(4096, size - total + 1))
    const length = readSync(descriptor, chunk)
    if (length === 0) return Buffer.concat(chunks)
    total += length
    if (total > maxBytes) throw failure(tooLong)
    chunks.push(chunk.subarray(0, length))
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** Why a file could not be read, to go before "at PATH". */
export function readFailure(error: unknown): string {
  const { code = 'an unknown error' } = error as NodeJS.ErrnoException
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no file',
    ENOTDIR: 'there is no file',
    EACCES: 'this user may not read the file',
    EPERM: 'this user may not read the file',
    EISDIR: 'there is a directory, not a file,',
    [notPlain]: 'there is a pipe or a device, not a file,',
    [tooLong]: 'there is a file that is too long'
  }
  return known[code] ?? `reading failed (${code})`
}

import { parentPort, workerData } from 'node:worker_threads'
import { digestOf, readListFile } from '../../config/revocation-lists.ts'
import { authoritiesOf } from '../../pki/authorities.ts'
import { readRevocations } from '../../pki/crl.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { writePending } from './kept-lists.ts'
import type { ReadingResult, ThreadTask } from './reader.ts'

/** The module of a short-lived thread that reads revocation lists once, from a file or as they come, answers and ends. */
const task = workerData as ThreadTask

async function read(): Promise<ReadingResult> {
  try {
    const { bytes, digest } = task.type === 'file' ? readListFile(task.file) : await collect()
    if (digest === task.knownDigest) return { type: 'same' }
    const lists = readRevocations(bytes, authoritiesOf(task.caBundle), task.nowMs)
    if (task.type === 'file' || task.keepAs === undefined) return { type: 'lists', digest, lists }
    return { type: 'lists', digest, lists, keepFault: writePending(task.keepAs, bytes) }
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    return { type: 'refused', problems: error.problems }
  }
}

/** All that comes, up to the null at its end. */
async function collect(): Promise<{ readonly bytes: Buffer; readonly digest: string }> {
  const pieces: Uint8Array[] = []
  const ended = Promise.withResolvers<void>()
  const take = (piece: Uint8Array | null) => {
    if (piece) pieces.push(piece)
    else ended.resolve()
  }
  parentPort?.on('message', take)
  await ended.promise
  // As long as somebody listens the thread lives, and `removeAllListeners` does not count.
  parentPort?.off('message', take)
  const bytes = Buffer.concat(pieces)
  return { bytes, digest: digestOf(bytes) }
}

parentPort?.postMessage(await read())

import { parentPort, workerData } from 'node:worker_threads'
import { readListFile } from '../config/revocation-lists.ts'
import { CrlError } from '../pki/crl-error.ts'
import type { ReadingResult, ReadingTask } from './revocation-reader.ts'

/** The module of a short-lived thread that reads one file of revocation lists, answers once and ends. */
const { file, caBundle, nowMs, knownDigest } = workerData as ReadingTask

async function read(): Promise<ReadingResult> {
  try {
    const { bytes, digest } = readListFile(file)
    if (digest === knownDigest) return { type: 'same' }
    // The library behind these takes longer to load than most lists to read.
    const { authoritiesOf } = await import('../pki/authorities.ts')
    const { readRevocations } = await import('../pki/crl.ts')
    return { type: 'lists', digest, lists: readRevocations(bytes, authoritiesOf(caBundle), nowMs) }
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    return { type: 'refused', problems: error.problems }
  }
}

parentPort?.postMessage(await read())

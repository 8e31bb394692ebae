import { parentPort, workerData } from 'node:worker_threads'
import { readListFile } from '../../config/revocation-lists.ts'
import type { ThreadTask } from './reader.ts'
import { inHand, type ReadingResult, readLists } from './reading.ts'

/** The module of a short-lived thread that reads revocation lists once, from a file or as they come, answers and ends. */
const task = workerData as ThreadTask

async function read(): Promise<ReadingResult> {
  if (task.type === 'file') return readLists({ ...task, keepAs: undefined }, () => readListFile(task.file))
  const pieces = await collect()
  return readLists(task, () => inHand(pieces))
}

/** All that comes, up to the null at its end. */
async function collect(): Promise<readonly Uint8Array[]> {
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
  return pieces
}

parentPort?.postMessage(await read())

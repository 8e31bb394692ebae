import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ListFile } from '../../config/revocation-lists.ts'
import { isOwnFault } from '../../model/own-fault.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { inHand, type Reading, type ReadingResult, readLists, type StreamedLists } from './reading.ts'

/** A file to read. */
export interface ReadingTask extends Omit<Reading, 'keepAs'> {
  readonly file: string
}

/** What a reading thread is given. */
export type ThreadTask = ({ readonly type: 'file' } & ReadingTask) | ({ readonly type: 'stream' } & Reading)

const thread = new URL('./reading-thread.ts', import.meta.url)

/** 200,000 entries take some 100 MB. A file that takes more than this is refused, and the process lives on. */
const MAX_HEAP_MB = 1024

/** Lists of some 1,500 entries. Up to this they are read in a few milliseconds, where a thread takes 200 to begin. */
const SHORT_BYTES = 64 * 1024

/** Reads a file; resolves with `undefined` when it is the one that is known. Rejects with a CrlError. */
export type ListReader = (task: ReadingTask) => Promise<ListFile | undefined>

/** Lists that are read as they come. */
export interface ListStream {
  readonly write: (bytes: Uint8Array) => void
  /** Resolves with `undefined` when they are the ones that are known. Rejects with a CrlError. */
  readonly end: () => Promise<StreamedLists | undefined>
  /** They will not come to an end. */
  readonly cancel: () => void
}

export type OpenListStream = (task: Reading) => ListStream

/**
 * Reads a file of revocation lists in a thread of its own, because this one may be serving. It begins with some
 * 200 ms of loading the library.
 */
export const readInThread: ListReader = task => resultOf(() => startThread({ type: 'file', ...task }))

/** Reads lists that come piece by piece: short ones in this thread, others in one that loads while they come. */
export const readStream: OpenListStream = task => {
  const pieces: Uint8Array[] = []
  let bytes = 0
  let worker: Worker | undefined
  let result: Promise<StreamedLists | undefined> | undefined

  function goToThread(): void {
    result = resultOf(() => {
      worker = startThread({ type: 'stream', ...task })
      return worker
    })
    // Whoever cancels does not ask what came of it.
    result.catch(() => {})
    for (const piece of pieces.splice(0)) worker?.postMessage(piece)
  }

  return {
    write(piece) {
      bytes += piece.length
      if (result) worker?.postMessage(piece)
      else pieces.push(piece)
      if (!result && bytes > SHORT_BYTES) goToThread()
    },
    async end() {
      if (!result) return listsOf(await readLists(task, () => inHand(pieces)))
      worker?.postMessage(null)
      return result
    },
    cancel: () => void worker?.terminate()
  }
}

function startThread(task: ThreadTask): Worker {
  return new Worker(thread, {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB }
  })
}

async function resultOf(start: () => Worker): Promise<StreamedLists | undefined> {
  return listsOf(await ask(start))
}

/** Throws a CrlError for lists that are refused. */
function listsOf(result: ReadingResult): StreamedLists | undefined {
  if (result.type === 'refused') throw new CrlError(result.problems)
  if (result.type === 'same') return undefined
  const { type: _, ...lists } = result
  return lists
}

async function ask(start: () => Worker): Promise<ReadingResult> {
  try {
    const worker = start()
    // A thread that ends without an answer never sends one.
    const ended = once(worker, 'exit').then(() => undefined)
    const answer = await Promise.race([once(worker, 'message'), ended])
    if (answer) return answer[0] as ReadingResult
    throw new Error('the thread that read it ended')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const text = `cannot be read, ${code ?? message}`
    // A thread that cannot be made lacks what its event loop takes.
    const lacks = isOwnFault(error) || code === 'ERR_WORKER_INIT_FAILED'
    return { type: 'refused', problems: [{ reason: 'unreadable', text, isOwnFault: lacks }] }
  }
}

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ListFile } from '../../config/revocation-lists.ts'
import { isOwnFault } from '../../model/own-fault.ts'
import { CrlError, type ListProblem } from '../../pki/crl-error.ts'

/** For whom lists are read. */
interface Reading {
  /** PEM: whose lists they may be. */
  readonly caBundle: string
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** SHA-256 of the lists as they were read last; the same ones are not read to their end again. */
  readonly knownDigest: string | undefined
}

/** A file to read. */
export interface ReadingTask extends Reading {
  readonly file: string
}

/** Lists to read as they come. */
export interface StreamTask extends Reading {
  /** The file that they are written to when they are fit to be used; `undefined`: to none. */
  readonly keepAs: string | undefined
}

/** What a reading thread is given. */
export type ThreadTask =
  | ({ readonly type: 'file' } & ReadingTask)
  | ({ readonly type: 'stream' } & StreamTask)

/** How a reading thread answers. */
export type ReadingResult =
  | { readonly type: 'same' }
  | ({ readonly type: 'lists' } & StreamedLists)
  | { readonly type: 'refused'; readonly problems: readonly ListProblem[] }

/** Lists that came as a stream. */
export interface StreamedLists extends ListFile {
  /** Why they could not be written to their file, an error code of the system. */
  readonly keepFault?: string | undefined
}

const thread = new URL('./reading-thread.ts', import.meta.url)

/** 200,000 entries take some 100 MB. A file that takes more than this is refused, and the process lives on. */
const MAX_HEAP_MB = 1024

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

export type OpenListStream = (task: StreamTask) => ListStream

/**
 * Reads a file of revocation lists in a thread of its own, because this one may be serving. It begins with some
 * 200 ms of loading the library.
 */
export const readInThread: ListReader = task => resultOf(() => startThread({ type: 'file', ...task }))

/** The same for lists that come piece by piece; the thread loads meanwhile. */
export const streamToThread: OpenListStream = task => {
  let worker: Worker | undefined
  const post = (piece: Uint8Array | null) => worker?.postMessage(piece)
  const result = resultOf(() => {
    worker = startThread({ type: 'stream', ...task })
    return worker
  })
  // Whoever cancels does not ask what came of it.
  result.catch(() => {})
  return {
    write: post,
    end() {
      post(null)
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
  const result = await ask(start)
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

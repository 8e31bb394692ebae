import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ListFile } from '../config/revocation-lists.ts'
import { isOwnFault } from '../model/own-fault.ts'
import { CrlError, type ListProblem } from '../pki/crl-error.ts'

/** What to read, and for whom. */
export interface ReadingTask {
  readonly file: string
  /** PEM: whose lists the file may hold. */
  readonly caBundle: string
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** SHA-256 of the file as it was read last; the same file is not read to its end again. */
  readonly knownDigest: string | undefined
}

/** How a reading thread answers. */
export type ReadingResult =
  | { readonly type: 'same' }
  | ({ readonly type: 'lists' } & ListFile)
  | { readonly type: 'refused'; readonly problems: readonly ListProblem[] }

const thread = new URL('./revocation-thread.ts', import.meta.url)

/** 200,000 entries take some 100 MB. A file that takes more than this is refused, and the process lives on. */
const MAX_HEAP_MB = 1024

/** Reads a file; resolves with `undefined` when it is the one that is known. Rejects with a CrlError. */
export type ListReader = (task: ReadingTask) => Promise<ListFile | undefined>

/**
 * Reads a file of revocation lists in a thread of its own, because this one may be serving. It begins with some
 * 200 ms of loading the library.
 */
export const readInThread: ListReader = async task => {
  const result = await ask(task)
  if (result.type === 'refused') throw new CrlError(result.problems)
  return result.type === 'same' ? undefined : { digest: result.digest, lists: result.lists }
}

async function ask(task: ReadingTask): Promise<ReadingResult> {
  try {
    const worker = new Worker(thread, {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB }
    })
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

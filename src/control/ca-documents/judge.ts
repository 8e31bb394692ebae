import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type DocumentTask, type DocumentVerdict, judgeDocument } from '../../pki/ca-document.ts'

/** Up to this length a document is judged in some milliseconds, and a thread would take longer to begin. */
const SHORT_BYTES = 256 * 1024

/** The longest list there may be takes a third of it. */
const MAX_HEAP_MB = 1024

const thread = new URL('./judge-thread.ts', import.meta.url)

/** Whether a document may be kept. Never rejects. */
export type JudgeDocument = (task: DocumentTask) => Promise<DocumentVerdict>

/** Judges a long document in a thread of its own, because this one may be serving. */
export const judgeAside: JudgeDocument = async task => {
  if (task.body.length <= SHORT_BYTES) return judgeDocument(task)
  try {
    const worker = new Worker(thread, {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB }
    })
    // A thread that ends without an answer never sends one.
    const ended = once(worker, 'exit').then(() => undefined)
    const answer = await Promise.race([once(worker, 'message'), ended])
    if (answer) return answer[0] as DocumentVerdict
    return { isFit: false, cause: 'cannot be judged, the thread for it ended' }
  } catch (error) {
    return { isFit: false, cause: `cannot be judged, ${(error as Error).message}` }
  }
}

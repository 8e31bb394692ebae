import type { MessagePort } from 'node:worker_threads'
import type { Runtime } from '../model/runtime.ts'
import { createLineQueue, type LostLines } from './line-queue.ts'
import type { LogDestination } from './log-output.ts'
import { createLogPace } from './log-pace.ts'

/** Lines of a worker thread that wait for the main thread to have room, in characters. */
const QUEUE_LENGTH = 2 * 1024 * 1024
/** One message. */
const MESSAGE_LENGTH = 64 * 1024

/** What is lost is told while nothing can be sent, for the metrics; no more often than this. */
const TELL_LOST_MS = 250

/** What a worker thread sends to the log's output: whole lines, and what it had to drop. */
export interface LogBatch {
  /** Empty: nothing but the loss is told, and no answer is waited for. */
  readonly text: string
  readonly lost?: LostLines | undefined
}

/**
 * What a worker thread logs to: the output of the main thread, at the other end of the port. One message is under way at
 * a time, and the next one goes when there is room, so a log that nobody reads is not kept in messages.
 */
export function createLogRelay(
  port: MessagePort,
  { wallClock, schedule }: Pick<Runtime, 'wallClock' | 'schedule'>
): LogDestination & { readonly writeLast: () => void } {
  const queue = createLineQueue(QUEUE_LENGTH, wallClock)
  let isUnderWay = false
  let isTellingLost = false
  const pace = createLogPace({
    schedule,
    length: queue.length,
    isIdle: () => !isUnderWay && queue.length() === 0,
    go: () => send(MESSAGE_LENGTH)
  })

  function send(length: number): void {
    if (isUnderWay || queue.length() === 0) return
    isUnderWay = true
    port.postMessage({ text: queue.take(length), lost: queue.takeLost() } satisfies LogBatch)
  }

  function tellLostSoon(): void {
    if (isTellingLost) return
    isTellingLost = true
    schedule(TELL_LOST_MS, () => {
      isTellingLost = false
      const lost = queue.takeLost()
      if (lost) port.postMessage({ text: '', lost } satisfies LogBatch)
    })
  }

  port.on('message', () => {
    isUnderWay = false
    pace.lineUp()
    pace.look()
  })
  // The thread ends when its work does.
  port.unref()

  return {
    write(line) {
      if (!queue.add(line)) tellLostSoon()
      pace.lineUp()
    },
    flush: pace.flush,
    /** For a thread that ends at once. */
    writeLast() {
      isUnderWay = false
      send(QUEUE_LENGTH)
    }
  }
}

import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Runtime } from '../../model/runtime.ts'

/**
 * For so long an agent may take nothing of its answer. It shows when the system has room again, which is some dozen
 * KiB later on a slow line and a mebibyte or two on a fast one.
 */
export const UNREAD_MS = 120_000

/** Writes a piece of an answer. An agent that reads more slowly than its master writes pauses the master. */
export function pour(
  response: ServerResponse,
  chunk: Buffer,
  controller: Dispatcher.DispatchController,
  schedule: Runtime['schedule'],
  onUnread: () => void
): void {
  if (response.write(chunk)) return
  controller.pause()
  // Pieces already read come all the same, and are not to add a listener each.
  if (response.listenerCount('drain') > 0) return
  const stop = watchUnread(response, schedule, onUnread)
  response.once('drain', () => {
    stop()
    controller.resume()
  })
}

/** Of a whole answer in memory so much is written at once, and the next when the system has room. */
const PIECE_BYTES = 64 * 1024

/**
 * Writes all of an answer that is in memory, and ends it, as fast as its agent reads it. `onUnread`: as of `pour`; `onPiece`
 * is told of the bytes of each piece.
 */
export function pourAll(
  response: ServerResponse,
  bytes: Buffer,
  schedule: Runtime['schedule'],
  onUnread: () => void,
  onPiece: (bytes: number) => void
): void {
  let at = 0
  function pourOn(): void {
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      at += piece.length
      onPiece(piece.length)
      if (response.write(piece)) continue
      const stop = watchUnread(response, schedule, onUnread)
      response.once('drain', () => {
        stop()
        pourOn()
      })
      return
    }
    response.end()
  }
  pourOn()
}

/** Calls `onUnread` once the agent has taken nothing for `UNREAD_MS`. The result ends the watch. */
function watchUnread(
  response: ServerResponse,
  schedule: Runtime['schedule'],
  onUnread: () => void
): () => void {
  let before = takenOf(response)
  let cancel = schedule(UNREAD_MS, look)

  function look(): void {
    const taken = takenOf(response)
    if (taken === before) {
      stop()
      onUnread()
      return
    }
    before = taken
    cancel = schedule(UNREAD_MS, look)
  }

  function stop(): void {
    cancel()
    response.removeListener('close', stop)
  }

  response.once('close', stop)
  return stop
}

/** Bytes of an answer's connection that the system has taken. */
export function takenOf({ socket }: ServerResponse): number {
  return socket ? socket.bytesWritten - socket.writableLength : 0
}

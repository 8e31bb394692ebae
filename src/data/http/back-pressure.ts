import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'

/** Writes a piece of an answer. An agent that reads more slowly than its master writes pauses the master. */
export function pour(
  response: ServerResponse,
  chunk: Buffer,
  controller: Dispatcher.DispatchController
): void {
  if (response.write(chunk)) return
  controller.pause()
  // Pieces already read come all the same, and are not to add a listener each.
  if (response.listenerCount('drain') === 0) response.once('drain', () => controller.resume())
}

import { subscribe } from 'node:diagnostics_channel'
import { existsSync, writeSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { isMainThread } from 'node:worker_threads'

const LOOK_MS = 5

/**
 * To be loaded with `--import`: a worker thread that is asked for `/crash` dies of an uncaught error. Asked for
 * `/crash?FILE` it says that it stands still, does nothing more, and dies as soon as that file is there.
 */
if (!isMainThread) {
  subscribe('http.server.request.start', message => {
    const { request } = message as { readonly request: IncomingMessage }
    const [path, file] = request.url?.split('?') ?? []
    if (path !== '/crash') return
    setImmediate(() => {
      if (file !== undefined) standStillUntil(file)
      throw new Error('a test made it crash')
    })
  })
}

/** Nothing else happens in this thread meanwhile, so it writes past all that the log does. */
function standStillUntil(file: string): void {
  writeSync(1, '{"msg":"a worker stands still"}\n')
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  while (!existsSync(file)) Atomics.wait(nobody, 0, 0, LOOK_MS)
}

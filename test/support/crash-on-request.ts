import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { isMainThread } from 'node:worker_threads'

/** To be loaded with `--import`: a worker thread that is asked for `/crash` dies of an uncaught error. */
if (!isMainThread) {
  subscribe('http.server.request.start', message => {
    const { request } = message as { readonly request: IncomingMessage }
    if (request.url !== '/crash') return
    setImmediate(() => {
      throw new Error('a test made it crash')
    })
  })
}

import { on, once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Runtime } from '../../src/model/runtime.ts'

/** Real threads for tests of shared memory. */
export interface Thread {
  /** The next of the messages that it posts; none is missed. */
  readonly message: () => Promise<unknown>
  readonly exit: Promise<unknown>
  readonly post: (value: unknown) => void
  readonly terminate: () => Promise<number>
}

/**
 * Runs `body` in a thread that ends with the test. It has `exports`, those of the module `file` in `src/shared`,
 * `data`, `post(value)`, and `next()` for the next message from here.
 */
export function startThread(
  t: { readonly teardown: (task: () => unknown) => void },
  file: string,
  body: string,
  data: object
): Thread {
  const url = new URL(`../../src/shared/${file}`, import.meta.url).href
  const script = `
    const { once } = require('node:events')
    const { parentPort, workerData: data } = require('node:worker_threads')
    const post = value => parentPort.postMessage(value)
    const next = async () => (await once(parentPort, 'message'))[0]
    const schedule = (ms, task) => { const timer = setTimeout(task, ms); return () => clearTimeout(timer) }
    import(${JSON.stringify(url)}).then(async exports => { ${body} })`
  const worker = new Worker(script, { eval: true, workerData: data })
  t.teardown(() => worker.terminate())
  const messages = on(worker, 'message')
  return {
    message: async () => (await messages.next()).value?.[0],
    exit: once(worker, 'exit'),
    post: value => worker.postMessage(value),
    terminate: () => worker.terminate()
  }
}

/** Real timers, which unlike the balancer's keep the process alive: nothing else may, once all threads are dead. */
export const schedule: Runtime['schedule'] = (delayMs, task) => {
  const timer = setTimeout(task, delayMs)
  return () => clearTimeout(timer)
}

import type { Runtime } from '../model/runtime.ts'

/** Resolves after `delayMs` on the runtime's clock; rejects with the signal's reason as soon as it is aborted. */
export function pause(delayMs: number, runtime: Runtime, signal?: AbortSignal): Promise<void> {
  if (delayMs <= 0 && !signal?.aborted) return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => {
    cancel()
    reject(signal?.reason)
  }
  const cancel = runtime.schedule(delayMs, () => {
    signal?.removeEventListener('abort', abort)
    resolve()
  })
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return promise
}

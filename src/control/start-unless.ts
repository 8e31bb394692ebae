import type { ControlPlane } from './control-plane.ts'

/**
 * Resolves with the port once all workers listen. Rejects as soon as `signal` is aborted while none of them does: then
 * nobody waits for the others. Who may have come to one that does is not to be left alone.
 */
export function startUnless(
  signal: AbortSignal | undefined,
  { start, planes }: Pick<ControlPlane, 'start' | 'planes'>
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const end = () => {
    if (planes.listening() === 0) reject(signal?.reason)
  }
  signal?.addEventListener('abort', end)
  if (signal?.aborted) end()
  else start().then(resolve, reject)
  return promise
}

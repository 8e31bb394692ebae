import type { Runtime } from './runtime.ts'

/** Resolves when the promise does, or after a time. Rejects as the promise does. */
export async function within(
  timeoutMs: number,
  promise: Promise<unknown>,
  { schedule }: Pick<Runtime, 'schedule'>
): Promise<void> {
  const late = Promise.withResolvers<void>()
  const cancel = schedule(timeoutMs, late.resolve)
  try {
    await Promise.race([promise, late.promise])
  } finally {
    cancel()
  }
}

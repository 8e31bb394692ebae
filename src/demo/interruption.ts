/** 128 + the number of the signal, as shells report a process that a signal ended. */
const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const
const sameMs = 1000

/**
 * Resolves at the first SIGINT or SIGTERM. One that follows within a second is the same Ctrl-C: the terminal
 * sends it to every process of the job, and npm then passes on its own. A later one ends the process at once.
 */
export function untilInterrupted(now: () => number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstMs: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (firstMs !== undefined && now() - firstMs > sameMs) process.exit(exitCodes[signal])
      firstMs ??= now()
      resolve()
    })
  }
  return promise
}

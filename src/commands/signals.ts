/** 128 + the number of the signal, as shells report a process that a signal ended. */
const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function untilSignalled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let signalled = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (signalled) process.exit(exitCodes[signal])
      signalled = true
      resolve()
    })
  }
  return promise
}

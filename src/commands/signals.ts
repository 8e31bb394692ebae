/** 128 + the number of the signal, as shells report a process that a signal ended. */
const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const
/** A terminal sends Ctrl-C to every process of the job, and npm then passes its own on: two for one. */
const SAME_KEYSTROKE_MS = 1_000

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function untilSignalled(now: () => number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let interruptedAtMs = Number.NEGATIVE_INFINITY
  let signalled = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGINT' && now() - interruptedAtMs < SAME_KEYSTROKE_MS) return
      if (signal === 'SIGINT') interruptedAtMs = now()
      if (signalled) process.exit(exitCodes[signal])
      signalled = true
      resolve()
    })
  }
  return promise
}

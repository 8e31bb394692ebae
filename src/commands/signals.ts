import type { Runtime } from '../model/runtime.ts'

/** 128 + the number of the signal, as shells report a process that a signal ended. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const
type EndSignal = keyof typeof exitCodes
const endSignals = Object.keys(exitCodes) as readonly EndSignal[]

/** What they are elsewhere, and therefore sent in error. Node blocks SIGUSR1 when told to `--disable-sigusr1`. */
const straySignals = {
  SIGUSR1: 'SIGUSR1 opens no inspector and no log files here: nothing was done',
  SIGUSR2: 'SIGUSR2 restarts and reloads nothing here, SIGHUP reloads: nothing was done'
} as const
type StraySignal = keyof typeof straySignals

/** A terminal sends Ctrl-C to every process of the job, and npm then passes its own on: two for one. */
const SAME_KEYSTROKE_MS = 1_000

const serving: ReadonlySet<string> = new Set(['serve', 'demo'])
const endNow = Object.fromEntries(
  endSignals.map(signal => [signal, () => process.exit(exitCodes[signal])])
) as Readonly<Record<EndSignal, () => never>>
const ignore = () => {}

/**
 * Before anything else of the program is loaded: no signal opens Node's inspector, and none that a command that serves
 * will know a better answer to kills it while it loads. All others end at once, with the code that shells expect.
 */
export function guardSignals(command: string | undefined): void {
  for (const signal of Object.keys(straySignals) as StraySignal[]) process.on(signal, ignore)
  for (const signal of endSignals) {
    // What a reload would read is yet to be read.
    const isTooEarly = signal === 'SIGHUP' && serving.has(command ?? '')
    process.on(signal, isTooEarly ? ignore : endNow[signal])
  }
}

/** What a command that serves does at signals that do not end it. */
export interface SignalTasks {
  /** At SIGHUP; without it SIGHUP ends like SIGTERM. */
  readonly reload?: () => void
  /** Hears of signals that do nothing, in one sentence. */
  readonly stray?: (sentence: string) => void
  /** Hears of a second signal, which ends the process when it returns. */
  readonly second?: (signal: string) => void
}

/** Resolves at the first signal that asks for an end; a second one ends the process at once. */
export function untilSignalled(
  now: Runtime['now'],
  { reload, stray, second }: SignalTasks = {}
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let interruptedAtMs = Number.NEGATIVE_INFINITY
  let signalled = false
  for (const signal of endSignals) {
    answer(signal, () => {
      if (signal === 'SIGHUP' && reload) return reload()
      if (signal === 'SIGINT' && now() - interruptedAtMs < SAME_KEYSTROKE_MS) return
      if (signal === 'SIGINT') interruptedAtMs = now()
      if (signalled) {
        second?.(signal)
        process.exit(exitCodes[signal])
      }
      signalled = true
      resolve()
    })
  }
  for (const signal of Object.keys(straySignals) as StraySignal[]) {
    answer(signal, () => stray?.(straySignals[signal]))
  }
  return promise
}

/** In the guard's place; never is there nobody, for then the system's own answer would be in force. */
function answer(signal: EndSignal | StraySignal, listener: () => void): void {
  process.on(signal, listener)
  process.off(signal, ignore)
  if (signal in endNow) process.off(signal, endNow[signal as EndSignal])
}

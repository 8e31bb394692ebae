import type { Runtime } from '../../model/runtime.ts'

/** Something that is done again and again: never twice at once, and the next time a while after the last has ended. */
export interface Rounds {
  /** Begins to wait anew; `undefined` waits for nothing. A round under way says itself how long to wait when it ends. */
  readonly wait: (delayMs: number | undefined) => void
  /** A round now, or the one that is under way. */
  readonly now: () => Promise<void>
  readonly stop: () => void
}

/** `round` never rejects, and resolves with the milliseconds until the next one, or `undefined` for none. */
export function createRounds(
  round: () => Promise<number | undefined>,
  { schedule }: Pick<Runtime, 'schedule'>
): Rounds {
  let underWay: Promise<void> | undefined
  let cancel = () => {}

  function wait(delayMs: number | undefined): void {
    cancel()
    cancel = delayMs === undefined ? () => {} : schedule(delayMs, () => void now())
  }

  async function run(): Promise<void> {
    cancel()
    const delayMs = await round()
    underWay = undefined
    wait(delayMs)
  }

  function now(): Promise<void> {
    underWay ??= run()
    return underWay
  }

  return {
    wait(delayMs) {
      if (!underWay) wait(delayMs)
    },
    now,
    stop: () => cancel()
  }
}

import type { Runtime } from '../../src/model/runtime.ts'
import { createDice } from '../../src/simulation/dice.ts'

/** A clock that stands still until somebody waits, and then jumps to the end of the wait. */
export function steppingRuntime(): Runtime {
  let nowMs = 0
  return {
    now: () => nowMs,
    wallClock: () => nowMs,
    random: createDice(1),
    schedule: (delayMs, task) => {
      const pending = setImmediate(() => {
        nowMs += delayMs
        task()
      })
      return () => clearImmediate(pending)
    }
  }
}

import type { Runtime } from '../../src/model/runtime.ts'
import { seededDice } from '../support/runtime.ts'

/** A clock that stands still until somebody waits, and then jumps to the end of the wait. */
export function steppingRuntime(): Runtime {
  let nowMs = 0
  return {
    now: () => nowMs,
    wallClock: () => nowMs,
    random: seededDice(1),
    schedule: (delayMs, task) => {
      const pending = setImmediate(() => {
        nowMs += delayMs
        task()
      })
      return () => clearImmediate(pending)
    }
  }
}

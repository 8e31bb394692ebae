import type { Runtime } from '../../src/model/runtime.ts'
import { fakeRuntime } from './runtime.ts'

/** A runtime whose clock stands still but for whole rounds of probes. */
export interface ProbeRounds extends Runtime {
  /** Lets one health interval pass, and resolves once all that masters were asked in it has come to its end. */
  readonly round: () => Promise<void>
}

/** For a balancer that watches `count` masters, the CA among them; its probe timeout must be below 0.9 × `intervalMs`. */
export function probeRounds({ intervalMs, count }: { intervalMs: number; count: number }): ProbeRounds {
  const runtime = fakeRuntime()
  const longestMs = intervalMs * 1.1
  let ended = 0
  let onEnd = () => {}
  return {
    ...runtime,
    schedule(delayMs, task) {
      // A question that has come to its end is followed by the next one an interval later, jitter included.
      if (delayMs >= intervalMs * 0.9 && delayMs <= longestMs) {
        ended++
        onEnd()
      }
      return runtime.schedule(delayMs, task)
    },
    async round() {
      const { promise, resolve } = Promise.withResolvers<void>()
      // Every master but the CA is asked about its JRubies as well, by the same clock.
      const until = ended + 2 * count - 1
      onEnd = () => {
        if (ended === until) resolve()
      }
      await runtime.advance(longestMs)
      await promise
    }
  }
}

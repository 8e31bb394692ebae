import type { Runtime } from '../../src/model/runtime.ts'

/** A runtime whose clock stands still until `advance`, and whose dice are seeded. */
export interface FakeRuntime extends Runtime {
  /** Moves the clock, running what falls due on the way in its order, and lets promises settle in between. */
  readonly advance: (ms: number) => Promise<void>
}

export function fakeRuntime({ seed = 1, wallClockMs = Date.UTC(2026, 0, 1) } = {}): FakeRuntime {
  let nowMs = 0
  const pending: { atMs: number; task: () => void }[] = []
  return {
    now: () => nowMs,
    wallClock: () => wallClockMs + nowMs,
    random: seededDice(seed),
    schedule(delayMs, task) {
      const entry = { atMs: nowMs + delayMs, task }
      pending.push(entry)
      return () => {
        const at = pending.indexOf(entry)
        if (at >= 0) pending.splice(at, 1)
      }
    },
    async advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        await settle()
        pending.sort((a, b) => a.atMs - b.atMs)
        const next = pending[0]
        if (!next || next.atMs > untilMs) break
        pending.shift()
        nowMs = next.atMs
        next.task()
      }
      nowMs = untilMs
    }
  }
}

/** Mulberry32: small, fast, good enough for tests, the same row of numbers for the same seed. */
export function seededDice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

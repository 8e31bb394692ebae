import { type Runtime, systemRuntime } from '../../src/model/runtime.ts'

/**
 * A runtime on which all time passes so many times as fast as elsewhere, dates included. What a balancer on it learns in
 * minutes is there in seconds; timeouts in its configuration are so many times shorter to everybody else.
 */
export function fastRuntime(times: number): Runtime {
  const { now, wallClock, random, schedule } = systemRuntime
  const beganAtMs = { now: now(), wallClock: wallClock() }
  return {
    now: () => beganAtMs.now + (now() - beganAtMs.now) * times,
    wallClock: () => beganAtMs.wallClock + (now() - beganAtMs.now) * times,
    random,
    schedule: (delayMs, task) => schedule(delayMs / times, task)
  }
}

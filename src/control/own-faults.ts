import type { Logger } from 'pino'
import type { Runtime } from '../model/runtime.ts'

/** A lasting fault is told again after this time. */
const AGAIN_MS = 60_000

/** Tells the operator of what this machine or this process lacks: each once a minute, however often it is met. */
export interface OwnFaults {
  /** `cause`: the code of the system's error. `what`: what it kept us from, such as `probe`. */
  readonly tell: (cause: string, what: string) => void
}

export function createOwnFaults({
  now,
  log
}: Pick<Runtime, 'now'> & { readonly log: Pick<Logger, 'error'> }): OwnFaults {
  const toldAtMs = new Map<string, number>()
  return {
    tell(cause, what) {
      if (now() - (toldAtMs.get(cause) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return
      toldAtMs.set(cause, now())
      log.error({ cause, what }, 'the balancer itself lacks what this takes; no master is blamed for it')
    }
  }
}

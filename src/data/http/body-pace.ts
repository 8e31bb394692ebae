import type { Runtime } from '../../model/runtime.ts'

/**
 * How slowly a body may come, as Apache's mod_reqtimeout has it (`body=20,MinRate=500`): so long in any case, and a
 * second more for so many bytes. Time in which nobody here wants to read does not count. An agent on a modem is a dozen
 * times as fast.
 */
export const BODY_PACE = { graceMs: 20_000, bytesPerSecond: 500 } as const

/** Watches over how fast a body comes. */
export interface BodyPace {
  /** From now on its bytes are wanted. */
  readonly want: () => void
  /** From now on they are not: it is not the agent who is slow. */
  readonly rest: () => void
  /** So many bytes have come. */
  readonly came: (bytes: number) => void
}

/** `onTooSlow` is called once, if ever. */
export function createBodyPace(
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>,
  onTooSlow: () => void
): BodyPace {
  let bytes = 0
  /** For how long its bytes were wanted, up to when they last were not. */
  let wantedMs = 0
  let sinceMs: number | undefined
  let cancel: (() => void) | undefined

  function leftMs(): number {
    const grantedMs = BODY_PACE.graceMs + (bytes * 1000) / BODY_PACE.bytesPerSecond
    return grantedMs - wantedMs - (sinceMs === undefined ? 0 : now() - sinceMs)
  }

  function look(): void {
    cancel = undefined
    if (sinceMs === undefined) return
    const ms = leftMs()
    if (ms > 0) cancel = schedule(ms, look)
    else {
      sinceMs = undefined
      onTooSlow()
    }
  }

  return {
    want() {
      if (sinceMs !== undefined) return
      sinceMs = now()
      cancel ??= schedule(leftMs(), look)
    },
    rest() {
      if (sinceMs === undefined) return
      wantedMs += now() - sinceMs
      sinceMs = undefined
      cancel?.()
      cancel = undefined
    },
    came(count) {
      bytes += count
    }
  }
}

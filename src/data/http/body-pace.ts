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
  /** From now on a JRuby may wait for it: however much has come at once, it pays for no silence longer than the grace. */
  readonly press: () => void
}

/** `onTooSlow` is called once, if ever. */
export function createBodyPace(
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>,
  onTooSlow: () => void
): BodyPace {
  /** How much longer its bytes may be wanted, as of `sinceMs` where they are. */
  let leftMs: number = BODY_PACE.graceMs
  let mostMs = Number.POSITIVE_INFINITY
  let sinceMs: number | undefined
  let cancel: (() => void) | undefined

  function settle(): void {
    if (sinceMs === undefined) return
    const nowMs = now()
    leftMs -= nowMs - sinceMs
    sinceMs = nowMs
  }

  function look(): void {
    cancel = undefined
    if (sinceMs === undefined) return
    settle()
    if (leftMs > 0) cancel = schedule(leftMs, look)
    else {
      sinceMs = undefined
      onTooSlow()
    }
  }

  function rest(): void {
    settle()
    sinceMs = undefined
    cancel?.()
    cancel = undefined
  }

  function want(): void {
    if (sinceMs !== undefined) return
    sinceMs = now()
    cancel ??= schedule(leftMs, look)
  }

  return {
    want,
    rest,
    came(bytes) {
      settle()
      leftMs = Math.min(mostMs, leftMs + (bytes * 1000) / BODY_PACE.bytesPerSecond)
    },
    press() {
      const isWanted = sinceMs !== undefined
      rest()
      mostMs = BODY_PACE.graceMs
      leftMs = Math.min(mostMs, leftMs)
      if (isWanted) want()
    }
  }
}

import type { Runtime } from '../../model/runtime.ts'
import type { Pin, PinTable } from '../../shared/pins.ts'

/** How often it is looked whether a successor has them. */
const LOOK_MS = 10

/** Answers the one that was taken over from, which lets agents go whose pins are known wherever they go next. */
export interface PinsTaken {
  /** These were put here, one word of it after the other. */
  readonly taken: (pins: readonly Pin[]) => void
  readonly stop: () => void
}

/**
 * Says that pins are taken once whoever takes over from this process, should somebody, has them too: an agent that is let
 * go may find that one. `say` is called once for each call of `taken`, in their order.
 */
export function createPinsTaken(
  pins: Pick<PinTable, 'isTold'>,
  { schedule }: Pick<Runtime, 'schedule'>,
  say: () => void
): PinsTaken {
  const unsaid: (readonly Pin[])[] = []
  let cancel: (() => void) | undefined

  function look(): void {
    cancel = undefined
    while (unsaid[0]?.every(pins.isTold)) {
      unsaid.shift()
      say()
    }
    if (unsaid.length > 0) cancel = schedule(LOOK_MS, look)
  }

  return {
    taken(all) {
      unsaid.push(all)
      if (!cancel) look()
    },
    stop: () => cancel?.()
  }
}

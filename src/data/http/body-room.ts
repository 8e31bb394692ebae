import type { Runtime } from '../../model/runtime.ts'
import type { BodyMemoryUser } from '../../shared/body-memory.ts'

/** Bytes of memory for one body, or a place among those who wait for theirs. */
export interface BodyShare {
  readonly isGranted: boolean
  /** Gives back what is above so many bytes. */
  readonly shrinkTo: (bytes: number) => void
  /** Gives all of it back; more than once is as good as once. */
  readonly release: () => void
}

/** Room in memory for the bodies of this worker's requests. */
export interface BodyRoom {
  /** `granted` is called when there is room, unless there is at once: then the share says so. */
  readonly ask: (bytes: number, limitBytes: number, granted: () => void) => BodyShare
}

interface Waiter {
  readonly bytes: number
  readonly limitBytes: number
  readonly sinceMs: number
  readonly grant: () => void
}

/** `onDefect`: a defect showed while one was told; the others must not suffer from it. */
export function createBodyRoom({
  memory,
  now,
  onDefect
}: {
  readonly memory: BodyMemoryUser
  readonly onDefect: (error: unknown) => void
} & Pick<Runtime, 'now'>): BodyRoom {
  /** In the order of asking. */
  const waiters = new Set<Waiter>()
  const first = () => waiters.values().next().value

  async function listen(): Promise<never> {
    for (;;) {
      await memory.woken()
      serveWaiting()
    }
  }
  void listen()

  function serveWaiting(): void {
    const before = first()
    for (let waiter = before; waiter; waiter = first()) {
      if (!memory.take(waiter.bytes, waiter.limitBytes, waiter.sinceMs)) break
      waiters.delete(waiter)
      try {
        waiter.grant()
      } catch (error) {
        onDefect(error)
      }
    }
    if (first() !== before) memory.waitSince(first()?.sinceMs)
  }

  function leave(waiter: Waiter): void {
    const before = first()
    waiters.delete(waiter)
    if (first() !== before) memory.waitSince(first()?.sinceMs)
  }

  return {
    ask(bytes, limitBytes, granted) {
      let held = 0
      let waiter: Waiter | undefined
      const share = {
        get isGranted() {
          return waiter === undefined
        },
        shrinkTo(left: number) {
          if (held <= left) return
          const given = held - left
          held = left
          memory.give(given)
        },
        release() {
          if (waiter) leave(waiter)
          share.shrinkTo(0)
        }
      }
      const sinceMs = now()
      if (waiters.size === 0 && memory.take(bytes, limitBytes, sinceMs)) {
        held = bytes
        return share
      }
      waiter = {
        bytes,
        limitBytes,
        sinceMs,
        grant() {
          waiter = undefined
          held = bytes
          granted()
        }
      }
      waiters.add(waiter)
      // What was given back meanwhile is seen now, or wakes.
      if (first() === waiter) memory.waitSince(sinceMs)
      return share
    }
  }
}

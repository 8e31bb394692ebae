import type { Runtime } from '../../model/runtime.ts'
import type { BodyMemoryUser } from '../../shared/body-memory.ts'

/** Bytes of memory for one body, or a place among those who wait for theirs. */
export interface BodyShare {
  readonly isGranted: boolean
  /**
   * Takes so many bytes more, if nobody waits and all bodies together then have no more than a limit. They are not counted
   * for its owner.
   */
  readonly grow: (bytes: number, limitBytes: number) => boolean
  /** Gives back what is above so many bytes. */
  readonly shrinkTo: (bytes: number) => void
  /** Gives all of it back; more than once is as good as once. */
  readonly release: () => void
}

/** What is asked for. */
export interface BodyRequest {
  readonly bytes: number
  /** Of all bodies together, over all workers. */
  readonly limitBytes: number
  /** Whose body it is, and how much of it and its like may be in this worker's hands at a time. */
  readonly owner: number
  readonly ownerBytes: number
}

/**
 * Room in memory for the bodies of this worker's requests: in the order of asking, except that whoever has as much as
 * it may have waits for its own bodies and for nobody else's.
 */
export interface BodyRoom {
  /** `granted` is called when there is room, unless there is at once: then the share says so. */
  readonly ask: (request: BodyRequest, granted: () => void) => BodyShare
}

interface Waiter extends BodyRequest {
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
  /** Bytes in hand, by owner. */
  const owned = new Map<number, number>()
  /** Since when the first of them waits that may have room, as others know it. */
  let toldMs: number | undefined

  async function listen(): Promise<never> {
    for (;;) {
      await memory.woken()
      serveWaiting()
    }
  }
  void listen()

  function mayHave({ owner, ownerBytes, bytes }: BodyRequest): boolean {
    const has = owned.get(owner) ?? 0
    return has === 0 || has + bytes <= ownerBytes
  }

  function first(): Waiter | undefined {
    for (const waiter of waiters) if (mayHave(waiter)) return waiter
    return undefined
  }

  /** Tells the other workers whose turn comes before theirs. */
  function tellFirst(): void {
    const sinceMs = first()?.sinceMs
    if (sinceMs === toldMs) return
    toldMs = sinceMs
    memory.waitSince(sinceMs)
  }

  function serveWaiting(): void {
    for (let waiter = first(); waiter; waiter = first()) {
      if (!memory.take(waiter.bytes, waiter.limitBytes, waiter.sinceMs)) break
      waiters.delete(waiter)
      try {
        waiter.grant()
      } catch (error) {
        onDefect(error)
      }
    }
    tellFirst()
  }

  function own({ owner }: BodyRequest, change: number): void {
    const has = (owned.get(owner) ?? 0) + change
    if (has > 0) owned.set(owner, has)
    else owned.delete(owner)
  }

  return {
    ask(request, granted) {
      /** Counted for its owner. */
      let held = 0
      let grown = 0
      let waiter: Waiter | undefined
      const share = {
        get isGranted() {
          return waiter === undefined
        },
        grow(bytes: number, limitBytes: number) {
          if (waiter || first() || !memory.take(bytes, limitBytes, now())) return false
          grown += bytes
          return true
        },
        shrinkTo(left: number) {
          const given = held + grown - left
          if (given <= 0) return
          const givenOfOwn = Math.max(0, held - left)
          held -= givenOfOwn
          grown -= given - givenOfOwn
          if (givenOfOwn > 0) own(request, -givenOfOwn)
          memory.give(given)
          // What waits for its own owner alone is woken by nobody else.
          if (waiters.size > 0) queueMicrotask(serveWaiting)
        },
        release() {
          if (waiter && waiters.delete(waiter)) tellFirst()
          share.shrinkTo(0)
        }
      }
      function hold(): void {
        held = request.bytes
        own(request, held)
      }
      const sinceMs = now()
      if (mayHave(request) && !first() && memory.take(request.bytes, request.limitBytes, sinceMs)) {
        hold()
        return share
      }
      waiter = {
        ...request,
        sinceMs,
        grant() {
          waiter = undefined
          hold()
          granted()
        }
      }
      waiters.add(waiter)
      // What was given back meanwhile is seen now, or wakes.
      tellFirst()
      return share
    }
  }
}

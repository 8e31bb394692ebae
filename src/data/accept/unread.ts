import type { Runtime } from '../../model/runtime.ts'
import { takenOf, UNREAD_MS } from '../http/back-pressure.ts'
import type { Arrival } from './conversation.ts'

/**
 * Cuts agents that take nothing of an answer that is all said, for `UNREAD_MS` and up to twice as long: it would keep
 * its connection for ever, and all that stand behind it. `served` are the requests that are served now. They are looked
 * at from time to time, since a timer for each answer would cost more than the rest of its books.
 */
export function watchUnread(served: () => Iterable<Arrival>, schedule: Runtime['schedule']): void {
  /** What was taken of each when it was looked at last. */
  let before: ReadonlyMap<Arrival, number> = new Map()

  function look(): void {
    const taken = new Map<Arrival, number>()
    for (const arrival of served()) {
      if (!arrival.response.writableEnded) continue
      const bytes = takenOf(arrival.response)
      if (before.get(arrival) === bytes) cut(arrival)
      else taken.set(arrival, bytes)
    }
    before = taken
    schedule(UNREAD_MS, look)
  }

  schedule(UNREAD_MS, look)
}

function cut({ response, exchange }: Arrival): void {
  if (exchange) exchange.end ??= 'unread'
  response.destroy()
}

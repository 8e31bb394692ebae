import { Readable } from 'node:stream'
import type { Event, EventLog } from '../model/event.ts'
import type { Runtime } from '../model/runtime.ts'

/** How often a reader hears that the connection still lives. */
export const HEARTBEAT_MS = 15_000
/** A reader that leaves this much unread is let go; when it comes back it says what it had last. */
const MAX_UNREAD_BYTES = 256 * 1024

/**
 * Server-sent events: those a reader has not seen yet, then each as it happens, until the stream is destroyed.
 * `lastEventId` is what the reader says it had last, as the standard's header of that name.
 */
export function streamEvents(
  events: EventLog,
  lastEventId: string | undefined,
  { schedule }: Pick<Runtime, 'schedule'>
): Readable {
  const stream = new Readable({
    read() {},
    destroy(error, done) {
      unsubscribe()
      stopHeartbeat()
      done(error)
    }
  })
  const write = (text: string) => {
    if (stream.readableLength > MAX_UNREAD_BYTES) stream.destroy()
    else stream.push(text)
  }
  let stopHeartbeat = () => {}
  const beat = () => {
    write(': still here\n\n')
    if (!stream.destroyed) stopHeartbeat = schedule(HEARTBEAT_MS, beat)
  }
  const unsubscribe = events.subscribe(event => write(format(event)))
  // At once, so that the reader sees an answer although nothing may have happened yet.
  beat()
  for (const event of unseen(events.recent(), lastEventId)) write(format(event))
  return stream
}

/** The date tells the events of this process from those of one before it, whose numbers were the same. */
function format(event: Event): string {
  return `id: ${event.id}@${event.at}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Those after the last one seen; all when that one is not remembered. A bare number is taken for this process's. */
function unseen(recent: readonly Event[], lastEventId = ''): readonly Event[] {
  const [id, at] = lastEventId.split('@')
  const seen = recent.findIndex(event => String(event.id) === id && (at === undefined || event.at === at))
  return recent.slice(seen + 1)
}

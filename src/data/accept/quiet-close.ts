import type { Server } from 'node:net'
import { setImmediate } from 'node:timers'
import type { Runtime } from '../../model/runtime.ts'

/** A listener that is never quiet is closed all the same. */
const LOUD_MS = 2_000
/** A turn of the loop that has nothing to do takes some 20 microseconds. */
const SHORT_TURN_MS = 0.2

/**
 * Closes a listener when nobody waits to be accepted. The system resets those who do, where nobody else listens on the
 * port or `net.ipv4.tcp_migrate_req` is 0; but it gives each turn of the loop one of them. So a turn that brought nobody
 * has left nobody but who came since it looked, and of a short turn that is nearly always nobody.
 */
export function closeWhenQuiet(
  server: Server,
  close: () => void,
  { now, schedule }: Pick<Runtime, 'now' | 'schedule'>
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let hasCome = true
  let isLate = false
  let lookedAtMs = now()
  const come = () => {
    hasCome = true
  }
  server.on('connection', come)
  const cancel = schedule(LOUD_MS, () => {
    isLate = true
  })

  /** Comes after the loop has looked for connections, each time. */
  function look(): void {
    const turnMs = now() - lookedAtMs
    if (!isLate && (hasCome || turnMs > SHORT_TURN_MS)) {
      hasCome = false
      lookedAtMs = now()
      setImmediate(look)
      return
    }
    cancel()
    server.off('connection', come)
    close()
    resolve()
  }

  // The first one only begins a whole turn: this one may have looked before it was asked.
  setImmediate(look)
  return promise
}

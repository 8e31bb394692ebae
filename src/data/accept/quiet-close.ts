import type { Server } from 'node:net'
import { setImmediate } from 'node:timers'
import type { Runtime } from '../../model/runtime.ts'

/** A listener that is never quiet is closed all the same. */
const LOUD_MS = 2_000

/**
 * Closes a listener when nobody waits to be accepted. The system resets those who do, where nobody else listens on the
 * port or `net.ipv4.tcp_migrate_req` is 0; but it gives the loop's every turn one of them. So a turn that brought nobody
 * has left nobody, but for who came in this instant.
 */
export function closeWhenQuiet(
  server: Server,
  close: () => void,
  { schedule }: Pick<Runtime, 'schedule'>
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let hasCome = true
  let isLate = false
  const come = () => {
    hasCome = true
  }
  server.on('connection', come)
  const cancel = schedule(LOUD_MS, () => {
    isLate = true
  })

  /** Comes after the loop has looked for connections, each time. */
  function look(): void {
    if (hasCome && !isLate) {
      hasCome = false
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

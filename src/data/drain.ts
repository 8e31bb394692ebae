import type { ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import { Server as TlsServer } from 'node:tls'
import type { Runtime } from '../model/runtime.ts'
import type { Connection } from './accept/connection.ts'
import { closeWhenQuiet } from './accept/quiet-close.ts'

/**
 * An agent takes up an idle connection again within 4 s and fails its run when it is closed under its hands; so
 * a connection is closed only after it was idle this long, and when it speaks, it is told with the answer.
 */
const IDLE_GRACE_MS = 5_000

export interface Drain {
  /** To be called with every request: its answer is the last of its connection when draining, if its agent may leave. */
  readonly onRequest: (response: ServerResponse, connection: Connection | undefined) => void
  /** To be called when its agent may not leave after all. */
  readonly onStay: (response: ServerResponse) => void
  /** To be called when a connection owes no answer any more, a new one included. */
  readonly onIdle: (connection: Connection) => void
  /** To be called when one has closed. */
  readonly onClose: () => void
  /** Stops accepting, as soon as nobody waits for it; resolves once every connection is gone, with the number of requests cut at the deadline. */
  readonly start: (timeoutMs: number) => Promise<number>
}

export interface DrainDeps extends Pick<Runtime, 'now' | 'schedule'> {
  /** All that are open. A handshake that has begun may still end, and one request follow. */
  readonly connections: () => Iterable<Connection>
  /** Whether an agent finds elsewhere what is known of its run. One that does not is served on. */
  readonly mayLeave: (connection: Connection) => boolean
}

export function createDrain(server: HttpsServer, { connections, mayLeave, now, schedule }: DrainDeps): Drain {
  let isDraining = false
  /** Answers after which their connections close, for the drain alone. */
  const lastOnes = new WeakSet<ServerResponse>()
  let onEmpty = () => {}

  function closeWhenIdle(connection: Connection): void {
    if (connection.isBusy) return
    const idleMs = now() - connection.idleSinceMs
    if (idleMs >= IDLE_GRACE_MS) connection.destroySoon()
    else schedule(IDLE_GRACE_MS - idleMs, () => closeWhenIdle(connection))
  }

  function isEmpty(): boolean {
    for (const _ of connections()) return false
    return true
  }

  function endWith(response: ServerResponse, connection: Connection | undefined): void {
    if (response.headersSent || response.hasHeader('connection')) return
    if (connection && !mayLeave(connection)) return
    lastOnes.add(response)
    response.setHeader('connection', 'close')
  }

  return {
    onRequest(response, connection) {
      if (isDraining) endWith(response, connection)
    },
    onStay(response) {
      if (lastOnes.delete(response) && !response.headersSent) response.removeHeader('connection')
    },
    onIdle(connection) {
      if (isDraining) closeWhenIdle(connection)
    },
    onClose() {
      if (isDraining && isEmpty()) onEmpty()
    },
    async start(timeoutMs) {
      // http.Server's own close would cut idle connections at once.
      await closeWhenQuiet(server, () => void TlsServer.prototype.close.call(server), { now, schedule })
      isDraining = true
      if (isEmpty()) return 0
      const { promise, resolve } = Promise.withResolvers<void>()
      onEmpty = resolve
      for (const connection of connections()) {
        for (const { response } of connection.owed) endWith(response, connection)
        closeWhenIdle(connection)
      }
      let cut = 0
      const cancelDeadline = schedule(timeoutMs, () => {
        for (const connection of connections()) {
          cut += connection.owed.length
          connection.destroy()
        }
      })
      await promise
      cancelDeadline()
      return cut
    }
  }
}

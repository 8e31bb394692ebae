import { createConnection, createServer } from 'node:net'
import { listenOnLoopback } from './loopback-server.ts'

/** What stands between two sides and passes on bytes, ends and resets alike, so that a test can count connections. */
export interface Relay {
  readonly port: number
  /** Resolves when so many connections have come and are over, on both sides. */
  readonly ended: (count: number) => Promise<void>
}

export async function startRelay(t: { teardown: (task: () => unknown) => void }, to: number): Promise<Relay> {
  const waiting = new Set<() => void>()
  let ended = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, near => {
    const far = createConnection({ host: '127.0.0.1', port: to, allowHalfOpen: true, noDelay: true })
    let open = 2
    keep(far)
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      one.pipe(other)
      one.on('error', () => void other.resetAndDestroy())
      one.once('close', () => {
        if (--open > 0) return
        ended++
        for (const look of waiting) look()
      })
    }
  })
  const { port, keep } = await listenOnLoopback(t, server)
  return {
    port,
    ended(count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (ended >= count) resolve()
      }
      waiting.add(look)
      look()
      return promise.finally(() => waiting.delete(look))
    }
  }
}

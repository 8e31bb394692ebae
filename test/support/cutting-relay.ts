import { connect, createServer } from 'node:net'
import { listenOnLoopback } from './loopback-server.ts'

/** Somebody between the balancer and a master, who can keep the end of what the master says. */
export interface CuttingRelay {
  readonly port: number
  /**
   * Holds what the master says on the connections of now until it ends its side. Then all of it goes on but for its last
   * bytes, and FIN follows, at once or some turns later. A close_notify is among those bytes: the TLS ends without.
   */
  readonly hold: (end: { readonly keptBytes: number; readonly isLate: boolean }) => void
}

export async function startCuttingRelay(
  t: { teardown: (task: () => unknown) => void },
  masterPort: number
): Promise<CuttingRelay> {
  const holds = new Set<CuttingRelay['hold']>()
  const server = createServer({ allowHalfOpen: true }, near => {
    const far = connect({ host: '127.0.0.1', port: masterPort, allowHalfOpen: true })
    const held: Buffer[] = []
    let end: Parameters<CuttingRelay['hold']>[0] | undefined
    const hold: CuttingRelay['hold'] = next => {
      end = next
    }
    holds.add(hold)
    near.once('close', () => holds.delete(hold))
    keep(far)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far)
    far.on('data', (chunk: Buffer) => {
      if (end) held.push(chunk)
      else near.write(chunk)
    })
    far.on('end', () => {
      const bytes = Buffer.concat(held)
      near.write(bytes.subarray(0, Math.max(0, bytes.length - (end?.keptBytes ?? 0))), () => {
        if (end?.isLate) setImmediate(() => setImmediate(() => near.end()))
        else near.end()
      })
    })
  })
  const { port, keep } = await listenOnLoopback(t, server)
  return {
    port,
    hold(next) {
      for (const hold of holds) hold(next)
    }
  }
}

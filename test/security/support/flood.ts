import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { connect } from 'node:tls'

/** Strangers that hold connections and do nothing with them. */
export interface Flood {
  /** Those that are open still. */
  readonly open: () => number
}

/**
 * Opens `count` connections from eight addresses of loopback, some at a time. `handshake`: whether they go through with
 * TLS, without a certificate, or say nothing at all. Resolves once each stands or was closed by the other side.
 */
export async function flood(
  t: { teardown: (task: () => unknown) => void },
  { port, count, handshake }: { readonly port: number; readonly count: number; readonly handshake: boolean }
): Promise<Flood> {
  const open = new Set<Socket>()
  t.teardown(() => {
    for (const socket of open) socket.destroy()
  })
  let next = 0
  async function work(): Promise<void> {
    while (next < count) {
      const tcp = createConnection({ host: '127.0.0.1', port, localAddress: `127.0.0.${2 + (next++ % 8)}` })
      open.add(tcp)
      const closed = once(tcp, 'close').then(() => open.delete(tcp))
      tcp.on('error', () => {})
      await Promise.race([handshake ? shakeHands(tcp) : once(tcp, 'connect'), closed]).catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  return { open: () => open.size }
}

function shakeHands(tcp: Socket): Promise<unknown> {
  const tls = connect({ socket: tcp, rejectUnauthorized: false })
  tls.on('error', () => {})
  return once(tls, 'secureConnect')
}

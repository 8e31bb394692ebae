import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Somebody between the balancer and a master, who can keep the end of what the master says. */
export interface CuttingRelay {
  readonly port: number
  /**
   * From now on what the master says on connections that are open now is held until it ends its side. Then all goes on but the last bytes, and FIN
   * follows, at once or some turns later. A close_notify is among those bytes: the TLS ends without.
   */
  readonly hold: (end: { readonly keptBytes: number; readonly isLate: boolean }) => void
}

export async function startCuttingRelay(
  t: { teardown: (task: () => unknown) => void },
  masterPort: number
): Promise<CuttingRelay> {
  const sockets = new Set<Socket>()
  const holds = new Set<CuttingRelay['hold']>()
  const add = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, near => {
    const far = connect({ host: '127.0.0.1', port: masterPort, allowHalfOpen: true })
    const held: Buffer[] = []
    let end: Parameters<CuttingRelay['hold']>[0] | undefined
    const hold: CuttingRelay['hold'] = next => {
      end = next
    }
    holds.add(hold)
    near.once('close', () => holds.delete(hold))
    add(near)
    add(far)
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
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: (server.address() as AddressInfo).port,
    hold(next) {
      for (const hold of holds) hold(next)
    }
  }
}

import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { connectRaw, type RawConnection } from '../security/support/raw-connection.ts'
import type { TestPki } from './balancer.ts'

/** A TCP connection from an address of loopback. */
export async function connectFrom(
  t: { teardown: (task: () => unknown) => void },
  port: number,
  localAddress: string
): Promise<Socket> {
  const tcp = createConnection({ host: '127.0.0.1', port, localAddress, noDelay: true })
  tcp.on('error', () => {}) // A reset is one way to be refused.
  t.teardown(() => tcp.destroy())
  await once(tcp, 'connect')
  return tcp
}

/** An agent as a balancer in front, at `from`, passes it on: `header` first, then TLS. */
export async function connectBehind(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  {
    header,
    from = '127.0.0.5',
    identity
  }: {
    readonly header: Buffer | string
    readonly from?: string
    readonly identity?: Pick<IssuedCertificate, 'chain' | 'key'>
  }
): Promise<RawConnection> {
  const socket = await connectFrom(t, port, from)
  socket.write(header)
  return connectRaw(t, pki, port, identity, { socket })
}

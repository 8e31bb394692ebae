import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import type { TestPki } from './balancer.ts'
import { type Received, receive } from './received.ts'

/** A connection to the balancer on which a test says every byte itself. */
export interface RawAgent extends Received {
  readonly socket: TLSSocket
  /** Text goes out as Latin-1: a character, a byte. */
  readonly send: (bytes: string | Buffer) => void
}

/** Resolves after the handshake. */
export async function connectRawAgent(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  identity?: Pick<IssuedCertificate, 'chain' | 'key'>,
  tls: ConnectionOptions = {}
): Promise<RawAgent> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'puppet',
    ca: pki.authority.bundle,
    ...(identity && { cert: identity.chain, key: identity.key }),
    ...tls
  })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return {
    socket,
    send: bytes => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    ...receive(socket)
  }
}

/** An agent whose connection can break, which a balancer hears at once, where an end may be half a goodbye. */
export async function connectBreakableAgent(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  identity?: Pick<IssuedCertificate, 'chain' | 'key'>
): Promise<RawAgent & { readonly breakOff: () => void }> {
  const tcp = connectTcp({ host: '127.0.0.1', port })
  const agent = await connectRawAgent(t, pki, port, identity, { socket: tcp })
  return { ...agent, breakOff: () => void tcp.resetAndDestroy() }
}

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type Authority, createAuthority } from '../../src/simulation/certificates.ts'

/** Ways in which a connection to a master can come to nothing before a byte of a request was sent. */
export const faults = [
  'refuses connections',
  'resets connections during the handshake',
  'accepts connections and says nothing',
  'does not speak TLS',
  'shows a certificate of another CA',
  'shows a certificate for another name',
  'shows an expired certificate'
] as const
export type Fault = (typeof faults)[number]

/** Puts something broken on a port of 127.0.0.1 where nobody listens now. The result waits for the next connection. */
export async function startFault(
  t: { teardown: (task: () => unknown) => void },
  port: number,
  fault: Fault,
  authority: Authority
): Promise<() => Promise<unknown>> {
  if (fault === 'refuses connections') return async () => {}
  const sockets = new Set<Socket>()
  const certificate = await certificateFor(fault, authority)
  const server = certificate
    ? createTlsServer({ cert: certificate.chain, key: certificate.key })
    : createServer(socket => {
        if (fault === 'resets connections during the handshake') {
          socket.once('data', () => socket.resetAndDestroy())
        } else if (fault === 'does not speak TLS') {
          socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
        }
      })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return () => once(server, 'connection')
}

async function certificateFor(fault: Fault, authority: Authority) {
  const certname = 'localhost'
  const yesterday = new Date(Date.now() - 86_400_000)
  switch (fault) {
    case 'shows a certificate of another CA':
      return (await createAuthority()).issue({ certname })
    case 'shows a certificate for another name':
      return authority.issue({ certname: 'other.example.com' })
    case 'shows an expired certificate':
      return authority.issue({ certname, notBefore: new Date(0), notAfter: yesterday })
    default:
      return undefined
  }
}

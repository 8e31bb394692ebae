import { once } from 'node:events'
import https from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { readProxyHeader } from '../../src/data/accept/proxy-protocol.ts'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import type { Ends } from '../../src/upstream/proxy-header.ts'

/** A master that is reached by raw TCP. */
export interface TcpMaster {
  readonly url: string
  readonly port: number
  /** Connections that were no health checks, oldest first. */
  readonly connections: readonly TcpConnection[]
  /** Whom the headers of health checks named. */
  readonly checks: readonly (Ends | undefined)[]
  /** Resolves as soon as so many such connections have come. */
  readonly until: (count: number) => Promise<void>
  /** Whether it passes its health checks, which it does at first. It takes connections in either case. */
  readonly setHealth: (isHealthy: boolean) => void
  /** Listens no more and ends every connection. */
  readonly kill: () => Promise<void>
}

export interface TcpConnection {
  readonly socket: Socket
  /** What the PROXY header says, where one is expected. */
  readonly ends: Ends | undefined
}

/**
 * A master that takes what begins like TLS for a health check, which it passes, and everything else for a connection, which
 * `script` has from its first byte on. `told`: every connection must begin with a PROXY header.
 */
export async function startTcpMaster(
  t: { teardown: (task: () => unknown) => void },
  tls: Pick<IssuedCertificate, 'chain' | 'key'>,
  script: (socket: Socket) => void,
  { told = false }: { readonly told?: boolean } = {}
): Promise<TcpMaster> {
  const connections: TcpConnection[] = []
  const checks: (Ends | undefined)[] = []
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let isHealthy = true
  const health = https.createServer({ cert: tls.chain, key: tls.key }, (request, response) => {
    if (request.url !== '/status/v1/simple') response.writeHead(404).end()
    else if (isHealthy) response.end('running')
    else response.writeHead(503).end('starting')
  })
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    let bytes = Buffer.alloc(0)
    const look = () => {
      const chunk: Buffer | null = socket.read()
      if (!chunk) return
      bytes = Buffer.concat([bytes, chunk])
      const header = told ? readProxyHeader(bytes) : { kind: 'header' as const, length: 0, ends: undefined }
      if (header.kind === 'fault') socket.destroy()
      if (header.kind !== 'header' || bytes.length === header.length) return
      socket.off('readable', look)
      socket.unshift(bytes.subarray(header.length))
      const isCheck = bytes[header.length] === 0x16
      if (isCheck) checks.push(header.ends)
      else connections.push({ socket, ends: header.ends })
      if (isCheck) health.emit('connection', socket)
      else script(socket)
      for (const each of waiting) each()
    }
    socket.on('readable', look)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  async function kill(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  t.teardown(kill)
  return {
    url: `https://localhost:${port}`,
    port,
    connections,
    checks,
    until(count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (connections.length >= count) resolve()
      }
      waiting.add(look)
      look()
      return promise.finally(() => waiting.delete(look))
    },
    setHealth(value) {
      isHealthy = value
    },
    kill
  }
}

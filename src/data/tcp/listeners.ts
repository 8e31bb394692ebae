import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Runtime } from '../../model/runtime.ts'
import { closeWhenQuiet } from '../accept/quiet-close.ts'

/** The listeners for raw TCP. */
export interface TcpListeners {
  /** Resolves with the ports, in the order of those that are wanted; 0 lets the system choose. */
  readonly listen: (address: {
    readonly host: string
    readonly ports: readonly number[]
    readonly shared: boolean
  }) => Promise<readonly number[]>
  /** Takes no more connections as soon as nobody waits for it; resolves then. */
  readonly closeWhenQuiet: () => Promise<void>
  /** Takes no more connections. */
  readonly close: () => void
}

/** `accepted` gets each connection, with the port of its listener as the configuration has it. */
export function createTcpListeners(
  configured: readonly number[],
  {
    silenceMs,
    accepted,
    failed,
    runtime
  }: {
    /** Of silence, after which the system asks whether the other host is still there. */
    readonly silenceMs: number
    readonly accepted: (socket: Socket, port: number) => void
    /** Hears of what keeps the system from accepting. */
    readonly failed: (error: Error) => void
    readonly runtime: Pick<Runtime, 'now' | 'schedule'>
  }
): TcpListeners {
  const servers: Server[] = []
  const options = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: silenceMs
  }

  async function open(port: number, wanted: number, host: string, shared: boolean): Promise<number> {
    const server = createServer(options, socket => accepted(socket, port))
    servers.push(server)
    server.listen({ host, port: wanted, ...(shared && { reusePort: true }) })
    await once(server, 'listening')
    server.on('error', failed)
    return (server.address() as AddressInfo).port
  }

  return {
    listen: ({ host, ports, shared }) =>
      Promise.all(configured.map((port, index) => open(port, ports[index] ?? port, host, shared))),
    async closeWhenQuiet() {
      await Promise.all(servers.map(server => closeWhenQuiet(server, () => void server.close(), runtime)))
    },
    close() {
      for (const server of servers) server.close()
    }
  }
}

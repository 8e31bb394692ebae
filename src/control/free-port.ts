import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Boot } from '../model/settings.ts'

/** An address with its ports. */
type Ports = Pick<Boot['listen'], 'host' | 'port' | 'tcpPorts'>

/**
 * Rejects with the system's error when somebody listens at an address already, `predecessor` apart, whose host is the
 * same. Ports that are shared are given to whoever asks, as the same user: two balancers would have half of the agents
 * each.
 */
export async function assertFree(listen: Ports, predecessor?: Ports): Promise<void> {
  const taken = predecessor ? portsOf(predecessor) : []
  for (const port of portsOf(listen))
    if (port !== 0 && !taken.includes(port)) await assertFreePort(listen.host, port)
}

/** 0 stands for one that the system chooses. */
function portsOf({ port, tcpPorts = [] }: Ports): readonly number[] {
  return [port, ...tcpPorts]
}

async function assertFreePort(host: string, port: number): Promise<void> {
  const server = createServer(socket => socket.destroy())
  const listening = once(server, 'listening')
  server.listen({ host, port, exclusive: true })
  await listening
  const closed = once(server, 'close')
  server.close()
  await closed
}

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Boot } from '../model/settings.ts'

/**
 * Rejects with the system's error when somebody listens at an address already. Ports that are shared are given to
 * whoever asks, as the same user: two balancers would have half of the agents each.
 */
export async function assertFree({
  host,
  port,
  tcpPorts = []
}: Pick<Boot['listen'], 'host' | 'port' | 'tcpPorts'>): Promise<void> {
  for (const each of [port, ...tcpPorts]) if (each !== 0) await assertFreePort(host, each)
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

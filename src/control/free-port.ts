import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Rejects with the system's error when somebody listens at an address already. Ports that are shared are given to
 * whoever asks, as the same user: two balancers would have half of the agents each.
 */
export async function assertFree({
  host,
  port
}: {
  readonly host: string
  readonly port: number
}): Promise<void> {
  if (port === 0) return
  const server = createServer(socket => socket.destroy())
  const listening = once(server, 'listening')
  server.listen({ host, port, exclusive: true })
  await listening
  const closed = once(server, 'close')
  server.close()
  await closed
}

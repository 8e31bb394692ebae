import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * True when somebody listens on this port. The balancer's own listeners share their port with others of their
 * kind, so they would not notice a second balancer; this asks for the port alone.
 */
export async function isPortTaken(host: string, port: number): Promise<boolean> {
  if (port === 0) return false
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return true
    throw error
  }
}

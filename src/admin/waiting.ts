import { once } from 'node:events'
import { createServer } from 'node:http'
import { boundConnections } from './connections.ts'

/** The admin listener of a process that has no configuration to go by yet. */
export interface WaitingAdmin {
  /** `undefined`: somebody else has the address. */
  readonly port: number | undefined
  readonly close: () => Promise<void>
}

/**
 * Answers `/healthz` with 200 and everything else with 503 and what is waited for, so that whoever runs the process lets it
 * wait. An address that somebody else has, another balancer for one that is to be replaced, is left to them.
 */
export async function startWaitingAdmin(
  { host, port }: { readonly host: string; readonly port: number },
  waitsFor: () => string
): Promise<WaitingAdmin> {
  const server = createServer((request, response) => {
    const isAlive = request.url?.split('?', 1)[0] === '/healthz'
    response.writeHead(isAlive ? 200 : 503, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'close'
    })
    response.end(isAlive ? 'ok\n' : `${waitsFor()}\n`)
  })
  boundConnections(server)
  server.listen({ host, port })
  await once(server, 'listening').catch(() => {})
  const address = server.address()
  return {
    port: typeof address === 'object' ? address?.port : undefined,
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

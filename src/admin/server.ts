import Fastify, { type FastifyInstance } from 'fastify'
import type { Explanation } from '../model/explanation.ts'

export interface AdminDeps {
  readonly host: string
  readonly port: number
  /** Prometheus text format. */
  readonly metrics: () => Promise<string>
  /** What is remembered of a request, by its id. */
  readonly why: (requestId: string) => Promise<Explanation | undefined>
  /** Why the balancer is not ready, one sentence; `undefined` while it is. */
  readonly notReady: () => string | undefined
}

/** The operator's listener. It has no access control of its own: it binds loopback unless told otherwise. */
export async function startAdmin(deps: AdminDeps): Promise<{ port: number; close: () => Promise<void> }> {
  const server: FastifyInstance = Fastify({ logger: false })
  server.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  server.get('/metrics', async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8')
    return deps.metrics()
  })
  server.get('/healthz', async (_request, reply) => {
    reply.type('text/plain; charset=utf-8')
    return 'ok\n'
  })
  server.get('/readyz', async (_request, reply) => {
    const reason = deps.notReady()
    reply.type('text/plain; charset=utf-8').code(reason === undefined ? 200 : 503)
    return `${reason ?? 'ready'}\n`
  })
  server.get<{ Params: { id: string } }>('/api/why/:id', async (request, reply) => {
    const explanation = await deps.why(request.params.id)
    if (explanation) return explanation
    reply.type('text/plain; charset=utf-8').code(404)
    return 'No worker remembers a request with this id: each keeps its last few thousand, until it ends.\n'
  })
  server.setNotFoundHandler(async (_request, reply) => {
    reply.type('text/plain; charset=utf-8').code(404)
    return 'There is /metrics, /healthz, /readyz and /api/why/REQUEST-ID.\n'
  })
  await server.listen({ host: deps.host, port: deps.port })
  const address = server.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : deps.port,
    close: () => server.close()
  }
}

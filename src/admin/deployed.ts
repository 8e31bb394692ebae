import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Flush } from '../model/code.ts'

const form = 'the name of an environment is made of letters, digits and underscores'

/** As Puppet takes them. */
const environmentName = /^\w{1,100}$/

/** The routes by which operators say that code was deployed: masters forget what they keep of it. 502 when one did not. */
export function addFlush(
  app: FastifyInstance,
  flush: Flush,
  {
    asker,
    refuse
  }: {
    readonly asker: (request: FastifyRequest) => string
    readonly refuse: (reply: FastifyReply, status: number, sentence: string) => FastifyReply
  }
): void {
  async function answer(request: FastifyRequest, reply: FastifyReply, environment: string | undefined) {
    const report = await flush(environment, asker(request))
    return reply.code(report.done ? 200 : 502).send(report)
  }

  app.post('/api/environments/deployed', (request, reply) => answer(request, reply, undefined))
  app.post<{ Params: { readonly name: string } }>('/api/environments/:name/deployed', (request, reply) => {
    const { name } = request.params
    return environmentName.test(name) ? answer(request, reply, name) : refuse(reply, 400, form)
  })
}

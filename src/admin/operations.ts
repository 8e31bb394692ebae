import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Operate, type Operation, UnknownMasterError } from '../model/operation.ts'
import { maxWeight } from '../model/settings.ts'

const weightForm = `the body must be { "weight": N }, N being a whole number from 0 to ${maxWeight} or "default"`

/** A name is up to this long when it is decoded. */
export const maxNameLength = 512

/** The routes by which operators change what masters are wanted for. `asker` says in the log how one was asked. */
export function addOperations(
  app: FastifyInstance,
  operate: Operate,
  {
    asker,
    refuse
  }: {
    readonly asker: (request: FastifyRequest) => string
    readonly refuse: (reply: FastifyReply, status: number, sentence: string) => FastifyReply
  }
): void {
  async function answer(request: FastifyRequest, reply: FastifyReply, operation: Operation | undefined) {
    if (!operation) return refuse(reply, 400, weightForm)
    const { name } = request.params as { readonly name: string }
    try {
      return await operate(name, operation, asker(request))
    } catch (error) {
      if (!(error instanceof UnknownMasterError)) throw error
      return refuse(reply.header('x-puppet-lb-reason', 'unknown-master'), 404, error.message)
    }
  }

  for (const action of ['drain', 'undrain', 'maint'] as const)
    app.post(`/api/masters/:name/${action}`, (request, reply) => answer(request, reply, { action }))
  app.post('/api/masters/:name/weight', (request, reply) =>
    answer(request, reply, weightOf(String(request.body ?? '')))
  )
}

/** What the body of a request for a weight wants; `undefined` when that cannot be. */
function weightOf(body: string): Operation | undefined {
  const given = parse(body)
  if (typeof given !== 'object' || given === null || !('weight' in given)) return undefined
  const { weight, ...rest } = given
  if (Object.keys(rest).length > 0) return undefined
  if (weight === null || weight === 'default') return { action: 'weight', weight: 'default' }
  const isWeight =
    typeof weight === 'number' && Number.isInteger(weight) && weight >= 0 && weight <= maxWeight
  return isWeight ? { action: 'weight', weight } : undefined
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

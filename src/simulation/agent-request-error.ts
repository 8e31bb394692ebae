import type { AgentQuestion } from './agent-client.ts'

/** A request that failed: without an answer, or with one that the agent cannot go on with. */
export class AgentRequestError extends Error {
  readonly method: string
  readonly path: string
  /** `undefined` when there was no answer. */
  readonly status: number | undefined

  constructor(
    { method, path }: AgentQuestion,
    status: number | undefined,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
    this.name = 'AgentRequestError'
    this.method = method
    this.path = path
    this.status = status
  }
}

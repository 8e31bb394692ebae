import type { AgentRun } from '../simulation/simulated-agent.ts'

/** Whether the balancer refused a run since the certificate of its agent is revoked. */
export function isRevoked({ failure }: AgentRun): boolean {
  return failure?.status === 403 && failure.message.includes('it is revoked')
}

/** Whether it ended without an answer, as when a connection is cut. */
export function wasCut({ failure }: AgentRun): boolean {
  return failure !== undefined && failure.status === undefined
}

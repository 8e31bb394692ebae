import type { AgentFilter, AgentList } from '../model/agents.ts'
import { systemRuntime } from '../model/runtime.ts'
import { type AdminFlags, findAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { describeAgents } from './agents-text.ts'
import type { Terminal } from './terminal.ts'

/** Which agents, and which balancer to ask. One at most of the choices that are filters is given. */
export interface AgentsOptions
  extends AdminFlags,
    Partial<Readonly<Record<Exclude<AgentFilter, 'expiring'>, true>>> {
  /** Days. */
  readonly expiring?: number
  readonly search?: string
  readonly limit?: number
  readonly offset?: number
  /** Prints what the admin listener says, as it says it. */
  readonly json?: boolean
}

/** As many as fit on a large screen. */
const USUAL_LIMIT = 50

/** Prints agents of a running balancer. Rejects with a ConfigError, or an Error when it cannot be asked. */
export async function agents(options: AgentsOptions, { runtime = systemRuntime, ...io }: Terminal) {
  const answer = await askAdmin(await findAdmin(options, io.env), { path: `/api/agents?${queryOf(options)}` })
  const { offset = 0 } = options
  io.out(
    options.json
      ? `${answer.text}\n`
      : `${describeAgents(answer.json() as AgentList, { offset, nowMs: runtime.wallClock() })}\n`
  )
}

function queryOf(options: AgentsOptions): URLSearchParams {
  const { search, expiring, limit = USUAL_LIMIT, offset } = options
  const filter = (['slow', 'failing', 'old', 'noisy'] as const).find(each => options[each])
  return new URLSearchParams({
    ...(search !== undefined && { query: search }),
    ...(filter && { filter }),
    ...(expiring !== undefined && { filter: 'expiring', within: `${expiring}d` }),
    limit: String(limit),
    ...(offset !== undefined && { offset: String(offset) })
  })
}

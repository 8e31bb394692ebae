import { type AgentFilter, usualAgentQuery } from '../../model/agents.ts'
import type { AgentsSeen } from '../../model/overview.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Agents } from '../agents/agents.ts'

/** Of each kind so many are shown. */
const SHOWN = 5
/** All agents are looked through for it, which takes some 20 ms where there are 100,000. */
const REFRESH_MS = 20_000

/** What the page shows of agents. Looked up anew after a while, and only when somebody asks. */
export function createAgentsSeen(
  { list, census }: Pick<Agents, 'list' | 'census'>,
  { now }: Pick<Runtime, 'now'>
): () => AgentsSeen {
  let last: { readonly atMs: number; readonly told: AgentsSeen } | undefined
  const first = (filter: AgentFilter) => list({ ...usualAgentQuery, filter, limit: SHOWN })
  return () => {
    const atMs = now()
    if (last && atMs - last.atMs < REFRESH_MS) return last.told
    const { seen } = census()
    const told = {
      seen: { hour: seen.get('1h') ?? 0, day: seen.get('1d') ?? 0 },
      failing: first('failing'),
      expiring: first('expiring'),
      slow: first('slow')
    }
    last = { atMs, told }
    return told
  }
}

import { type AgentFilter, usualAgentQuery } from '../../model/agents.ts'
import type { AgentsSeen } from '../../model/overview.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Agents } from '../agents/agents.ts'

/** Of each kind so many are shown. */
const SHOWN = 5
/** To look through 100,000 agents takes some 10 ms. */
const REFRESH_MS = 20_000
/** While somebody looks on, nothing gets so old. */
const OUTDATED_MS = 40_000

/**
 * What the page shows of agents. Looked up anew after a while, and only when somebody asks: one thing at a time, since each
 * keeps the thread, but all of them when nobody has asked for long.
 */
export function createAgentsSeen(
  { list, census }: Pick<Agents, 'list' | 'census'>,
  { now }: Pick<Runtime, 'now'>
): () => AgentsSeen {
  const first = (filter: AgentFilter) => list({ ...usualAgentQuery, filter, limit: SHOWN })
  const looks = {
    seen() {
      const { seen } = census()
      return { hour: seen.get('1h') ?? 0, day: seen.get('1d') ?? 0 }
    },
    failing: () => first('failing'),
    expiring: () => first('expiring'),
    slow: () => first('slow')
  }
  const kinds = Object.keys(looks) as (keyof typeof looks)[]
  const lookedAtMs = new Map<keyof typeof looks, number>()
  let told: Partial<AgentsSeen> = {}

  return () => {
    const atMs = now()
    const ageOf = (kind: keyof typeof looks) => atMs - (lookedAtMs.get(kind) ?? Number.NEGATIVE_INFINITY)
    const [due, ...others] = kinds
      .filter(kind => ageOf(kind) >= REFRESH_MS)
      .sort((a, b) => ageOf(b) - ageOf(a))
    for (const kind of due ? [due, ...others.filter(each => ageOf(each) >= OUTDATED_MS)] : []) {
      told = { ...told, [kind]: looks[kind]() }
      lookedAtMs.set(kind, atMs)
    }
    return told as AgentsSeen
  }
}
